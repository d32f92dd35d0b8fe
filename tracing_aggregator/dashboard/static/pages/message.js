import { address, copy, empty, h, panel } from "../dom.js";
import { links } from "../search.js";
import { command } from "../state.js";
import { CAUSES, REASONS, date, elapsed, groupName, place, timeOfDay, zoneName } from "../words.js";

export const title = "Message";
export const isUnlisted = true;

export function heading(given) {
  return given.subject ? `Message ${given.subject}` : title;
}

export function url(given) {
  return given.subject ? address("/api/v1/message", { subject: given.subject }) : null;
}

export function view(data, given) {
  if (!given.subject) return empty("Which one? Search above, by correlationId or position, or choose one from the list of", "", "traces.");
  if (!data || data.detail) {
    const { why = "", matches = [] } = data?.detail ?? {};
    return [
      matches.length ? panel("Did you mean", links(matches)) : empty(`Nothing is stored of ${given.subject}. ${why}`),
      empty("Kafka may still have it:", command(given.subject)),
    ];
  }
  const dates = data.messages.flatMap((message) => message.steps.map((step) => step.sinceOriginMs ?? 0));
  const span = { start: Math.min(0, ...dates), end: Math.max(1, ...dates) };
  return [
    h("p", { class: "quiet route" },
      data.correlationIds.length ? ["correlationId ", data.correlationIds.map((one, number) => [number ? ", " : "", h("a", { href: address("/message", { subject: one }) }, one)])] : null,
      data.topics.length > 1 ? ` · ${data.topics.join(" → ")}` : null),
    h("p", { class: "exports" }, copy("Copy link", () => location.href), " ",
      data.correlationIds.length ? [copy("Copy correlationId", data.correlationIds[0]), " "] : null, copy("Copy explain command", () => command(given.subject))),
    data.incidents.length ? panel("Incidents", h("ul", {}, data.incidents.map((one) => h("li", {}, h("a", { href: address("/incidents", { reason: one.reason, topic: one.topic, groupId: one.groupId, state: "all", minutes: 1440 }) }, one.text))))) : null,
    data.findings.length ? panel("Anomalies", h("ul", {}, data.findings.map(finding))) : null,
    data.messages.map((message) => timeline(message, span)),
    data.messages.length ? h("p", { class: "quiet" }, `All bars have one scale, from ${elapsed(span.start)} to ${elapsed(span.end)}: a bar is the time that a step took, up to its dot.`) : null,
  ];
}

function timeline(message, span) {
  const at = place(message);
  const first = message.steps.find((step) => step.date)?.date;
  let group = null;
  return panel(at ?? `${message.topic}, position unknown`,
    h("p", { class: "quiet" }, first ? `${date(first).slice(0, 10)} (${zoneName()})` : null),
    h("ol", { class: "timeline" }, message.steps.map((step) => {
      const heading = (step.groupId ?? null) !== group && (step.groupId ?? null) !== null ? h("li", { class: "group" }, step.groupId ? `group ${step.groupId}` : groupName("")) : null;
      group = step.groupId ?? null;
      return [heading, line(step, span)];
    })));
}

function line(step, span) {
  const at = (ms) => (100 * (ms - span.start)) / (span.end - span.start);
  const end = at(step.sinceOriginMs ?? 0), start = Math.min(end, at((step.sinceOriginMs ?? 0) - (step.durationMs ?? 0)));
  return h("li", {},
    h("time", { datetime: step.date ?? null, title: step.date ?? null }, timeOfDay(step.date)),
    h("span", { class: "number quiet" }, step.sinceOriginMs ? `${step.sinceOriginMs > 0 ? "+" : ""}${elapsed(step.sinceOriginMs)}` : ""),
    h("span", { class: `badge ${step.type}` }, step.type),
    step.type === "GAP" ? h("span") : h("div", { class: `track ${step.type}`, "aria-hidden": "true" }, h("b", { style: { left: `${Math.max(0, start)}%`, width: `${end - Math.max(0, start)}%` } }), h("i", { style: { left: `${end}%` } })),
    h("span", { class: `text ${step.type === "GAP" ? "GAP" : ""}` }, step.clientId ? `${step.clientId}: ${step.label}` : step.label));
}

function finding(one) {
  const about = [one.cause ? CAUSES[one.cause] : null, one.groupId ? `group ${one.groupId}` : null, one.summary ? `${one.count} of one minute` : null, one.deadline ? `deadline ${one.deadline}` : null].filter(Boolean);
  return h("li", {},
    h("span", { class: one.resolved ? "quiet" : "bad" }, one.resolved ? "resolved " : "open "),
    h("a", { href: address("/anomalies", { reason: one.reason, state: one.resolved ? "resolved" : null }) }, one.reason),
    `: ${REASONS[one.reason] ?? ""}`, about.length ? ` (${about.join(", ")})` : null);
}
