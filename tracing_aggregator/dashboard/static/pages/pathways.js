import { address, empty, h, panel, table } from "../dom.js";
import { filters, wordFields } from "./filters.js";
import { count, date, elapsed, groupName, zoneName } from "../words.js";

export const title = "Pathways";
export const hasRange = true;

export function url(given) {
  return address("/api/v1/pathways", { minutes: given.minutes, until: given.until, topic: given.topic, groupId: given.groupId });
}

export async function controls(given, navigate) {
  return [filters("/pathways", given, (await wordFields()).slice(0, 2), navigate)];
}

export function isStill(given) {
  return Boolean(given.until);
}

export function view(data) {
  if (!data.edges.length && !data.pathways.length) {
    return empty("No message went through several topics, or ways are not followed. To follow them:", "tracing-aggregator run -o trace.pathways=true");
  }
  return [
    panel("Sent on", data.edges.length
      ? table("Sent on", [
        { head: "from", row: true, cell: (edge) => edge.fromTopic },
        { head: "by group", cell: (edge) => groupName(edge.groupId) },
        { head: "to", cell: (edge) => edge.toTopic },
        { head: "messages", number: true, cell: (edge) => count(edge.count) },
        { head: "residence p50", number: true, cell: (edge) => elapsed(edge.residenceMs?.p50) },
        { head: "p99", number: true, cell: (edge) => elapsed(edge.residenceMs?.p99) },
        { head: "since origin p50", number: true, cell: (edge) => elapsed(edge.fromOriginMs?.p50) },
        { head: "p99", number: true, cell: (edge) => elapsed(edge.fromOriginMs?.p99) },
      ], data.edges)
      : h("p", { class: "quiet" }, "Nothing in this span: choose a longer range.")),
    data.pathways.length
      ? panel("Newest pathways", table("Newest pathways", [
        { head: `began (${zoneName()})`, date: true, cell: (one) => date(one.origin.date) },
        { head: "correlationId", id: true, cell: (one) => h("a", { href: address("/message", { subject: one.correlationId }), title: one.correlationId }, one.correlationId) },
        { head: "route", row: false, cell: (one) => h("span", { class: "route", title: one.route }, one.route) },
        { head: "steps", number: true, cell: (one) => count(one.hops.length) },
        { head: "took", number: true, cell: (one) => elapsed(one.hops.at(-1)?.fromOriginMs) },
        { head: "", cell: (one) => (one.complete ? "" : "incomplete") },
      ], data.pathways))
      : null,
  ];
}
