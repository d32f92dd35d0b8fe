import { address, empty, h, table } from "../dom.js";
import { scatter } from "../charts.js";
import { bounds } from "../range.js";
import { command } from "../state.js";
import { date, elapsed, groupName, place, zoneName } from "../words.js";
import { filters, pages } from "./filters.js";

export const title = "Traces";
export const hasRange = true;
export const isList = true;

const NAMES = ["subject", "topic", "groupId", "clientId", "type", "since", "until", "minMs", "maxMs", "sort", "before"];

export function url(given) {
  return address("/api/v1/traces", { ...Object.fromEntries(NAMES.map((name) => [name, given[name]])), ...bounds(given) });
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
    { name: "type", label: "Phase", options: [{ value: "SEND", text: "SEND" }, { value: "ACK", text: "ACK: to the broker" }, { value: "CONSUME", text: "CONSUME: until read" }, { value: "COMMIT", text: "COMMIT: until committed" }] },
    { name: "since", label: `From (${zoneName()})`, type: "datetime-local" },
    { name: "until", label: `Before (${zoneName()})`, type: "datetime-local" },
    { name: "minMs", label: "Took at least (ms)", type: "number" },
    { name: "maxMs", label: "At most (ms)", type: "number" },
    { name: "sort", label: "First", any: false, options: [{ value: "", text: "the newest" }, { value: "duration", text: "the slowest" }] },
  ], navigate)];
}

export function view(data, given, navigate) {
  if (!data.traces.length) {
    return NAMES.some((name) => given[name])
      ? empty("No stored trace is like that. Older ones may have gone from the store; Kafka may have them:", command(given.subject ?? "TOPIC/PARTITION/OFFSET"))
      : empty("No traces yet. Start the pipeline:", "tracing-aggregator run");
  }
  const points = data.traces.filter((one) => "durationMs" in one && (place(one) || one.correlationId)).map((one) => ({ ms: Date.parse(one.date), took: one.durationMs, subject: place(one) ?? one.correlationId }));
  return h("section", { class: "panel" },
    points.length > 1 ? h("figure", {}, scatter("scatter", { label: `${points.length} traces by date and duration`, points, unit: elapsed, pick: (point) => navigate(address("/message", { subject: point.subject })) }),
      h("figcaption", {}, `The traces listed below by date (${zoneName()}) and duration, logarithmic. A click shows the message.`)) : null,
    table("Traces", [
      { head: `date (${zoneName()})`, date: true, cell: (one) => date(one.date) },
      { head: "type", cell: (one) => h("span", { class: `badge ${one.type}` }, one.type) },
      { head: "message", id: true, row: false, cell: (one) => message(one) },
      { head: "duration", number: true, cell: (one) => ("durationMs" in one ? elapsed(one.durationMs) : "–") },
      { head: "client", name: true, cell: (one) => h("a", { href: address("/client", { clientId: one.clientId }) }, one.clientId) },
      { head: "group", name: true, cell: (one) => groupName(one.groupId) ?? "" },
      { head: "correlationId", id: true, cell: (one) => (one.correlationId ? h("a", { href: address("/message", { subject: one.correlationId }), title: one.correlationId }, one.correlationId) : "–") },
      { head: "", cell: (one) => notes(one) },
    ], data.traces),
    h("p", { class: "quiet" }, "Duration: of ACK and CONSUME since the SEND, of COMMIT since the CONSUME of its group. A minimum, a maximum and the order by duration leave out what was read again."),
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
