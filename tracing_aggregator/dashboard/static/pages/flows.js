import { address, empty, h, panel, table } from "../dom.js";
import { kept } from "../range.js";
import { count, elapsed, groupName, percent } from "../words.js";
import { filters, wordFields } from "./filters.js";

export const title = "Flows";
export const hasRange = true;

export function url(given) {
  return address("/api/v1/flows", { minutes: given.minutes, until: given.until, topic: given.topic, groupId: given.groupId, withLag: true });
}

export function isStill(given) {
  return Boolean(given.until);
}

export async function controls(given, navigate) {
  return [filters("/flows", given, (await wordFields()).slice(0, 2), navigate)];
}

export function view(data, given) {
  if (!data.flows.length) {
    return empty("No statistics of this span. Choose a longer range, or start the pipeline:", "tracing-aggregator run");
  }
  const rows = data.flows.flatMap((flow) => [{ ...flow, isTopic: true }, ...flow.groups.map((group) => ({ ...group, topic: flow.topic }))]);
  const ofGroup = (name) => (row) => (row.isTopic ? "" : count(row[name]));
  const red = (name) => (row) => (row[name] ? h("span", { class: "bad" }, count(row[name])) : ofGroup(name)(row));
  const latency = (row) => (row.isTopic ? row.ackLatencyMs : row.consumeLatencyMs);
  return [h("section", { class: "panel" },
    table("Topics and their groups", [
      {
        head: "topic, group", row: true,
        cell: (row) => h("a", { href: address("/", { ...kept(given), clientId: null, topic: row.topic, groupId: row.groupId }) }, row.isTopic ? row.topic : groupName(row.groupId)),
      },
      { head: "produced", number: true, cell: (row) => (row.isTopic ? count(row.produced) : "") },
      { head: "expected", number: true, cell: ofGroup("expected") },
      { head: "consumed", number: true, cell: ofGroup("actual") },
      { head: "in flight", number: true, cell: ofGroup("inFlight") },
      { head: "over", number: true, cell: red("over") },
      { head: "under", number: true, cell: red("under") },
      { head: "committed", number: true, cell: (row) => (row.isTopic || row.commitsSeen ? ofGroup("committed")(row) : h("span", { class: "quiet" }, "commits: none seen")) },
      { head: "SLA breaches", number: true, cell: red("slaBreaches") },
      { head: "p50", number: true, cell: (row) => elapsed(latency(row)?.p50) },
      { head: "p95", number: true, cell: (row) => elapsed(latency(row)?.p95) },
      { head: "p99", number: true, cell: (row) => elapsed(latency(row)?.p99) },
      { head: "slowest", cell: (row) => h("a", { href: slowest(row, data) }, "show") },
      { head: "commit p50", number: true, cell: (row) => (row.isTopic ? "" : elapsed(row.commitLatencyMs?.p50)) },
      { head: "coverage", number: true, cell: (row) => (row.isTopic ? percent(row.coverage) : "") },
      { head: "anomalies", number: true, cell: (row) => anomalies(row, given) },
    ], rows, (row) => (row.isTopic ? null : "part")),
    h("p", { class: "quiet" }, "Latency of a topic: from produced to acknowledged. Of a group: from produced to consumed. Coverage: how much of the topic is traced. In flight: expected, and neither read nor missed yet.")), lag(data.lag)];
}

function slowest(row, data) {
  return address("/traces", { topic: row.topic, groupId: row.groupId, type: row.isTopic ? "ACK" : "CONSUME", sort: "duration", since: data.fromMs, until: data.untilMs });
}

function anomalies(row, given) {
  const all = Object.values(row.verdicts).reduce((sum, number) => sum + number, 0);
  return all ? h("a", { class: "bad", href: address("/incidents", { ...kept(given), clientId: null, topic: row.topic, groupId: row.groupId }) }, count(all)) : "0";
}

function lag(rows) {
  if (!rows.length) return null;
  return panel("How far groups are behind, now",
    table("Consumer lag", [
      { head: "group", row: true, name: true, cell: (one) => groupName(one.groupId) },
      { head: "topic", name: true, cell: (one) => one.topic },
      { head: "partitions", number: true, cell: (one) => count(one.partitions) },
      { head: "not read", number: true, cell: (one) => count(one.unread) },
      { head: "oldest not read", number: true, cell: (one) => (one.unread ? elapsed(one.ageMs) : "–") },
      { head: "not committed", number: true, cell: (one) => (one.uncommitted === null ? h("span", { class: "quiet" }, "commits: none seen") : count(one.uncommitted)) },
    ], rows),
    h("p", { class: "quiet" }, "From traces: offsets between the highest that any trace of the partition tells of and the highest that the group has read or committed; after a rewind, from where it was before. The age is since the first message that it has not read was sent."));
}
