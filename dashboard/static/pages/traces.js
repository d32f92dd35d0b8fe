import { address, empty, h, table } from "../dom.js";
import { date, elapsed, place } from "../words.js";
import { filters, pages } from "./filters.js";

export const title = "Traces";

const NAMES = ["subject", "topic", "groupId", "clientId", "type", "since", "until", "before"];

export function url(given) {
  return address("/api/v1/traces", Object.fromEntries(NAMES.map((name) => [name, given[name]])));
}

export function isStill(given) {
  return Boolean(given.before || given.until);
}

export async function controls(given, navigate) {
  const words = await (await fetch("/api/v1/words")).json();
  return [filters("/traces", given, [
    { name: "subject", label: "Message", placeholder: "correlationId or topic/partition/offset" },
    { name: "topic", label: "Topic", options: words.topic },
    { name: "groupId", label: "Group", options: words.groupId },
    { name: "clientId", label: "Client", options: words.clientId },
    { name: "type", label: "Type", options: ["SEND", "ACK", "CONSUME", "COMMIT"] },
    { name: "since", label: "From (UTC)", type: "datetime-local" },
    { name: "until", label: "Before (UTC)", type: "datetime-local" },
  ], navigate)];
}

export function view(data, given) {
  if (!data.traces.length) {
    return NAMES.some((name) => given[name])
      ? empty("No stored trace is like that. Older ones may have gone from the store; Kafka may have them:", `tracing-aggregator explain ${given.subject ?? "TOPIC/PARTITION/OFFSET"}`)
      : empty("No traces yet. Start the pipeline:", "tracing-aggregator run");
  }
  return h("section", { class: "panel" },
    table("Traces", [
      { head: "date (UTC)", date: true, cell: (one) => date(one.date) },
      { head: "type", cell: (one) => h("span", { class: `badge ${one.type}` }, one.type) },
      { head: "message", id: true, row: false, cell: (one) => message(one) },
      { head: "duration", number: true, cell: (one) => ("durationMs" in one ? elapsed(one.durationMs) : "–") },
      { head: "client", name: true, cell: (one) => one.clientId },
      { head: "group", name: true, cell: (one) => one.groupId ?? "" },
      { head: "correlationId", id: true, cell: (one) => (one.correlationId ? h("a", { href: address("/message", { subject: one.correlationId }), title: one.correlationId }, one.correlationId) : "–") },
      { head: "", cell: (one) => notes(one) },
    ], data.traces),
    h("p", { class: "quiet" }, "Duration: of ACK and CONSUME since the SEND, of COMMIT since the CONSUME of its group."),
    pages("/traces", given, data.next));
}

function message(one) {
  const at = place(one);
  return at ? h("a", { href: address("/message", { subject: at }) }, at) : one.topic;
}

function notes(one) {
  return [
    one.deliveryCount > 1 ? `delivery ${one.deliveryCount}` : null,
    one.repeated ? "repeated" : null,
    one.partition === -1 ? "failed" : null,
    one.settledBy !== undefined ? `settled by ${one.settledBy}` : null,
  ].filter(Boolean).join(", ");
}
