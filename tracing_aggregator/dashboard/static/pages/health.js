import { address, empty, h, panel, table } from "../dom.js";
import { count, dateOfMs, elapsed, zoneName } from "../words.js";

export const title = "Pipeline health";
export const isOfJob = true;

const STATES = { following: "follows the topics", connecting: "is connecting", failed: "cannot read" };

export function url() {
  return "/api/v1/health";
}

export function view(data) {
  const { reading } = data;
  return [
    pipeline(data.job),
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
          { head: `newest record (${zoneName()})`, date: true, cell: (one) => dateOfMs(one.written) },
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
          { head: `written (${zoneName()})`, date: true, cell: (one) => dateOfMs(one.timestamp) },
          { head: "from", id: true, cell: (one) => `${one.topic}/${one.partition}/${one.offset}` },
          { head: "reason", cell: (one) => one.reason },
          { head: "detail", cell: (one) => one.detail },
        ], data.deadLetters),
      ]
      : h("p", { class: "quiet" }, "None: all input could be used.")),
    panel("Clocks", data.clockSkew.length
      ? table("Clocks", [
        { head: "clocks", row: true, cell: clocks },
        { head: `hour (${zoneName()})`, date: true, cell: (one) => dateOfMs(Date.parse(one.windowStart)).slice(0, 13) },
        { head: "note", cell: (one) => (one.inconsistent ? h("span", { class: "bad" }, "a clock was set") : "–") },
      ], data.clockSkew)
      : h("p", { class: "quiet" }, "No two clients have exchanged messages yet."),
    h("p", { class: "quiet" }, "As far as the order of messages tells. A latency between two clients is wrong by as much as their clocks are apart.")),
  ];
}

/** The job and its invariant: every trace that came is accounted for. */
function pipeline({ address: where, error, counters, isReady, why }) {
  if (!counters) {
    return empty(`How the pipeline is, nobody tells at ${where ?? "metrics.port"}${error ? ` (${error})` : ""}. It is started with`, "tracing-aggregator run", "on this machine; for a job on a cluster, tracing-aggregator metrics tells.");
  }
  const of = (name) => counters[`${name}_total`] ?? 0;
  const sum = (...names) => names.map((name) => `${name.replaceAll("_", " ").replace(" traces", "")} ${count(of(name))}`).join(" + ");
  const { unaccounted_traces: lost = 0, held_traces: waiting, last_checkpoint_timestamp_seconds: saved } = counters;
  // Left out where the counters of several steps do not fit together: what cannot be said is not zero.
  const held = waiting === undefined ? "unknown" : count(waiting);
  return panel("Pipeline",
    h("p", {}, h("span", { class: isReady ? "well" : "bad" }, isReady ? "Ready" : "Not ready"), `: ${why}.`),
    h("dl", { class: "tiles" }, [
      ["Received", count(of("received_traces"))], ["Emitted", count(of("emitted_traces"))], ["Held", held],
      ["Dead letters", count(of("dead_lettered_traces")), of("dead_lettered_traces")], ["Unaccounted", count(lost), lost],
      ["Last checkpoint", saved ? `${elapsed(Math.max(0, Date.now() - saved * 1000))} ago` : "–"],
      ["Failed checkpoints", count(of("failed_checkpoints"))],
    ].map(([name, value, bad]) => h("div", {}, h("dt", {}, name), h("dd", { class: bad ? "bad" : null }, value)))),
    h("p", { class: "quiet" }, `received ${count(of("received_traces"))} = ${sum("parsed_traces", "dead_lettered_traces", "not_followed_traces")} + unaccounted ${count(lost)}, which must be 0.`, h("br"),
      `parsed ${count(of("parsed_traces"))} = ${sum("emitted_traces", "duplicate_traces")} + held ${held}. Since the job began, as of some seconds ago.`));
}

/** `billing's clock is 8 to 12 ms behind shop-web's`: what the bounds of the second client's lead mean. */
function clocks({ clients: [first, second], lowerMs: low, upperMs: high }) {
  const link = (name) => h("a", { href: address("/client", { clientId: name }) }, name);
  const known = (ms) => ms !== null && ms !== undefined;
  if (known(low) && known(high) && low >= 0) return [link(second), "'s clock is ", between(low, high), " ahead of ", link(first), "'s"];
  if (known(low) && known(high) && high <= 0) return [link(second), "'s clock is ", between(-high, -low), " behind ", link(first), "'s"];
  const bounds = [known(low) ? `${low < 0 ? `${elapsed(-low)} behind` : `${elapsed(low)} ahead`} at least` : null, known(high) ? `${high < 0 ? `${elapsed(-high)} behind` : `${elapsed(high)} ahead`} at most` : null];
  return [link(second), "'s clock, beside ", link(first), `'s: ${bounds.filter(Boolean).join(", ").replace(/^(.*) behind at least, (.*) ahead at most$/, "from $1 behind to $2 ahead")}`];
}

function between(low, high) {
  return low === high ? elapsed(low) : `${elapsed(low)} to ${elapsed(high)}`;
}
