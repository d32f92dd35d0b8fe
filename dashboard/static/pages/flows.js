import { address, empty, h, table } from "../dom.js";
import { count, elapsed, percent } from "../words.js";

export const title = "Flows";
export const hasRange = true;

export function url(given) {
  return address("/api/v1/flows", { minutes: given.minutes, until: given.until });
}

export function view(data) {
  if (!data.flows.length) {
    return empty("No statistics of this span. Choose a longer range, or start the pipeline:", "tracing-aggregator run");
  }
  const rows = data.flows.flatMap((flow) => [{ ...flow, isTopic: true }, ...flow.groups.map((group) => ({ ...group, topic: flow.topic }))]);
  const ofGroup = (name) => (row) => (row.isTopic ? "" : count(row[name]));
  const red = (name) => (row) => (row[name] ? h("span", { class: "bad" }, count(row[name])) : ofGroup(name)(row));
  const latency = (row) => (row.isTopic ? row.ackLatencyMs : row.consumeLatencyMs);
  return h("section", { class: "panel" },
    table("Topics and their groups", [
      {
        head: "topic, group", row: true,
        cell: (row) => h("a", { href: address("/traces", { topic: row.topic, groupId: row.groupId }) }, row.isTopic ? row.topic : row.groupId),
      },
      { head: "produced", number: true, cell: (row) => (row.isTopic ? count(row.produced) : "") },
      { head: "expected", number: true, cell: ofGroup("expected") },
      { head: "actual", number: true, cell: ofGroup("actual") },
      { head: "over", number: true, cell: red("over") },
      { head: "under", number: true, cell: red("under") },
      { head: "committed", number: true, cell: (row) => (row.isTopic || row.commitsSeen ? ofGroup("committed")(row) : h("span", { class: "quiet" }, "commits: none seen")) },
      { head: "SLA breaches", number: true, cell: red("slaBreaches") },
      { head: "p50", number: true, cell: (row) => elapsed(latency(row)?.p50) },
      { head: "p95", number: true, cell: (row) => elapsed(latency(row)?.p95) },
      { head: "p99", number: true, cell: (row) => elapsed(latency(row)?.p99) },
      { head: "commit p50", number: true, cell: (row) => (row.isTopic ? "" : elapsed(row.commitLatencyMs?.p50)) },
      { head: "coverage", number: true, cell: (row) => (row.isTopic ? percent(row.coverage) : "") },
      { head: "anomalies", number: true, cell: anomalies },
    ], rows, (row) => (row.isTopic ? null : "part")),
    h("p", { class: "quiet" }, "Latency of a topic: from produced to acknowledged. Of a group: from produced to consumed. Coverage: how much of the topic is traced."));
}

function anomalies(row) {
  const all = Object.values(row.verdicts).reduce((sum, number) => sum + number, 0);
  return all ? h("a", { class: "bad", href: address("/anomalies", { topic: row.topic, groupId: row.groupId }) }, count(all)) : "0";
}
