import { address, empty, h, panel, table } from "../dom.js";
import { count, dateOfMs } from "../words.js";

export const title = "Pipeline health";

const STATES = { following: "follows the topics", connecting: "is connecting", failed: "cannot read" };

export function url() {
  return "/api/health";
}

export function view(data) {
  const { reading } = data;
  return [
    reading.state === "failed" ? h("p", { class: "empty bad" }, `Kafka cannot be read: ${reading.error} `, h("code", {}, "tracing-aggregator check")) : null,
    reading.missing?.length ? empty(`These topics are not there: ${reading.missing.join(", ")}. Make them:`, "tracing-aggregator topics") : null,
    panel("Read into the store",
      reading.servers ? h("p", { class: "quiet" }, `The dashboard ${STATES[reading.state] ?? reading.state} at ${reading.servers}.`) : null,
      data.topics.length
        ? table("Topics", [
          { head: "topic", row: true, cell: (one) => one.topic },
          { head: "partitions", number: true, cell: (one) => count(one.partitions) },
          { head: "records read", number: true, cell: (one) => count(one.records) },
          { head: "lag of the store", number: true, cell: (one) => count(one.lag) },
          { head: "unreadable", number: true, cell: (one) => (one.unreadable ? h("span", { class: "bad" }, count(one.unreadable)) : "0") },
          { head: "newest record (UTC)", date: true, cell: (one) => dateOfMs(one.written) },
        ], data.topics)
        : h("p", {}, "Nothing was read yet. Start the pipeline: ", h("code", {}, "tracing-aggregator run"))),
    panel("Stored", h("dl", { class: "tiles" }, Object.entries(data.stored).map(([name, number]) => h("div", {}, h("dt", {}, name), h("dd", {}, count(number)))))),
    panel("Dead letters", data.deadLetterCounts.length
      ? [
        table("Dead letters by reason", [
          { head: "reason", row: true, cell: (one) => one.reason },
          { head: "from topic", cell: (one) => one.topic },
          { head: "number", number: true, cell: (one) => count(one.n) },
        ], data.deadLetterCounts),
        h("h3", {}, "Newest"),
        table("Newest dead letters", [
          { head: "written (UTC)", date: true, cell: (one) => dateOfMs(one.timestamp) },
          { head: "from", id: true, cell: (one) => `${one.topic}/${one.partition}/${one.offset}` },
          { head: "reason", cell: (one) => one.reason },
          { head: "detail", cell: (one) => one.detail },
        ], data.deadLetters),
      ]
      : h("p", { class: "quiet" }, "None: all input could be used.")),
    panel("Clocks", data.clockSkew.length
      ? table("Clocks", [
        { head: "client", row: true, cell: (one) => h("a", { href: address("/traces", { clientId: one.clients[0] }) }, one.clients[0]) },
        { head: "other client", cell: (one) => h("a", { href: address("/traces", { clientId: one.clients[1] }) }, one.clients[1]) },
        { head: "other is ahead by at least", number: true, cell: (one) => bound(one.lowerMs) },
        { head: "at most", number: true, cell: (one) => bound(one.upperMs) },
        { head: "hour (UTC)", date: true, cell: (one) => one.windowStart.slice(0, 13).replace("T", " ") },
        { head: "", cell: (one) => (one.inconsistent ? h("span", { class: "bad" }, "a clock was set") : "") },
      ], data.clockSkew)
      : h("p", { class: "quiet" }, "No two clients have exchanged messages yet.")),
  ];
}

function bound(ms) {
  return ms === null || ms === undefined ? "–" : `${count(ms)} ms`;
}
