import { address, empty, h, panel, table } from "../dom.js";
import { bounds } from "../range.js";
import { CAUSES, REASONS, count, date, elapsed, place, zoneName } from "../words.js";
import { filters, pages, wordFields } from "./filters.js";

export const title = "Anomalies";
export const hasRange = true;
export const isList = true;

const NAMES = ["reason", "topic", "groupId", "state", "before"];

export function url(given) {
  return address("/api/v1/anomalies", { ...Object.fromEntries(NAMES.map((name) => [name, given[name]])), ...bounds(given) });
}

export function isStill(given) {
  return Boolean(given.before || given.until);
}

export async function controls(given, navigate) {
  return [filters("/anomalies", given, [
    { name: "reason", label: "Reason", options: Object.keys(REASONS) },
    ...(await wordFields()).slice(0, 2),
    { name: "state", label: "State", any: false, options: [{ value: "", text: "open" }, { value: "resolved", text: "resolved" }, { value: "all", text: "all" }] },
  ], navigate)];
}

export function view(data, given) {
  const open = data.counts.filter((one) => !one.resolved && one.n);
  const resolved = data.counts.filter((one) => one.resolved);
  return [
    h("div", { class: "columns" }, open.length ? panel("Open by kind", kinds(open, null)) : null, resolved.length ? panel("Resolved by kind", kinds(resolved, "resolved")) : null),
    data.findings.length
      ? panel(given.state === "resolved" ? "Resolved" : given.state === "all" ? "All" : "Open", list(data.findings), pages("/anomalies", given, data.next))
      : data.counts.length
        ? empty("No finding is like that. Clear the filter, or look at resolved ones.", "")
        : empty("No anomalies: all is well, or nothing is watched. What is read, and how far, the health page tells. To see some:", "tracing-aggregator demo"),
  ];
}

function list(findings) {
  return table("Anomalies", [
    { head: `date (${zoneName()})`, date: true, cell: (one) => date(one.date ?? one.windowStart) },
    { head: "reason", row: true, name: true, cell: (one) => h("span", { title: REASONS[one.reason], class: one.resolved ? "quiet" : "bad" }, one.reason) },
    { head: "message", id: true, cell: message },
    { head: "group", name: true, cell: (one) => one.groupId ?? "" },
    { head: "client", name: true, cell: (one) => one.clientId ?? "" },
    { head: "what", cell: what },
  ], findings);
}

/** The message that a finding is about: a link to its timeline. */
function message(one) {
  if (one.summary) {
    return [`${one.topic ?? ""} `, (one.examples ?? []).map((example) => {
      const at = place({ topic: one.topic, ...example });
      return at ? [h("a", { href: address("/message", { subject: at }) }, at), " "] : null;
    })];
  }
  const subject = place(one) ?? one.correlationId;
  return subject ? h("a", { href: address("/message", { subject }) }, subject) : one.topic ?? "–";
}

function what(one) {
  if (one.summary) return `summary of one minute: ${count(one.count)} open, ${count(one.found)} found`;
  return [
    REASONS[one.reason],
    one.cause ? CAUSES[one.cause] ?? one.cause : null,
    one.error,
    one.deliveryCount ? `delivery ${one.deliveryCount}` : null,
    one.durationMs !== undefined ? elapsed(one.durationMs) : null,
    one.fromOffset !== undefined ? `from ${one.fromOffset} to ${one.offset}` : null,
    one.inLog === false ? "the log does not have it" : null,
    one.resolved ? "resolved" : null,
  ].filter(Boolean).join("; ");
}

function kinds(counts, state) {
  return table("Anomalies by kind", [
    { head: "reason", row: true, cell: (one) => h("a", { href: address("/anomalies", { reason: one.reason, topic: one.topic, groupId: one.groupId, state }) }, one.reason) },
    { head: "topic", cell: (one) => one.topic },
    { head: "group", cell: (one) => one.groupId },
    { head: "number", number: true, cell: (one) => count(one.n) },
  ], counts);
}
