import { address, empty, h, panel, table } from "../dom.js";
import { heat, newest, timeChart } from "../charts.js";
import { between, kept } from "../range.js";
import { REASONS, count, elapsed, minuteOfMs, zoneName } from "../words.js";
import { filters, wordFields } from "./filters.js";
import { preview } from "./topology.js";

export const title = "Overview";
export const hasRange = true;

export const TYPES = ["SEND", "ACK", "CONSUME", "COMMIT"];
// Numbers of a minute still change while clients read, and traces are on their way.
const SETTLES_MS = 120_000;
/** Fields that are called otherwise on the page. */
const HEADS = { actual: "consumed", inFlight: "in flight" };

export function url(given) {
  return address("/api/v1/overview", { ...kept(given), compare: given.compare, withTopology: true });
}

export function isStill(given) {
  return Boolean(given.until);
}

export async function controls(given, navigate) {
  const compare = [{ value: "", text: "with nothing" }, { value: "true", text: "with the span before" }];
  return [filters("/", given, [...(await wordFields()), { name: "compare", label: "Compare", any: false, options: compare }], navigate)];
}

export function view(data, given, navigate) {
  if (!data.stored && !data.byType.length) {
    return [empty("No traces yet. Start the pipeline:", "tracing-aggregator run"), empty("Or look at traffic that we make:", "tracing-aggregator demo")];
  }
  const { times, delivery, latencies, overall, stepMs } = data;
  const stepS = stepMs / 1000;
  const total = (name) => delivery[name].reduce((sum, value) => sum + (value ?? 0), 0);
  const open = data.anomalies.reduce((sum, one) => sum + one.n, 0);
  const words = { topic: given.topic, groupId: given.groupId, clientId: given.clientId };
  const here = kept(given);
  const zoom = (from, until) => navigate(address("/", { ...given, ...between(from, until) }));
  const ghost = (label, values) => (values?.some((value) => value !== null) ? [{ label: `${label} before`, colour: "quiet", values, ghost: true }] : []);
  const before = data.previous;
  const inFlight = total("inFlight");
  const traced = (type) => (index) =>
    navigate(address("/traces", { ...words, type, since: times[index] * 1000, until: times[index] * 1000 + stepMs }));
  const unsettled = newest((Date.now() - SETTLES_MS) / 1000);
  const perSecond = (values) => values.map((value) => value / stepS);
  const consumed = latencies.consumeLatencyMs;
  const painter = heat(data.heatmap, times, stepS);
  return [
    data.topology.nodes.length ? preview(data.topology, given) : null,
    given.clientId ? h("p", { class: "quiet" }, "Statistics of messages know no clients: tiles and the first two charts are of all clients. ", h("a", { href: address("/client", here) }, `The page of ${given.clientId}`), " has what is known of it.") : null,
    h("dl", { class: "tiles" },
      tile("Produced", count(total("produced"))), tile("Expected", count(total("expected"))), tile("Consumed", [count(total("actual")), inFlight ? h("small", {}, ` ${count(inFlight)} still in flight`) : null]),
      tile("Over-consumed", count(total("over")), total("over")), tile("Under-consumed", count(total("under")), total("under")),
      tile("Latency p50", elapsed(overall.consumeLatencyMs?.p50)), tile("Latency p99", elapsed(overall.consumeLatencyMs?.p99)),
      tile("Open findings", h("a", { href: address("/incidents", here) }, count(open)), open)),
    h("section", { class: "panel" },
      h("h2", {}, "Delivery"),
      h("figure", {},
        timeChart("delivery", {
          label: `Delivery: ${count(total("expected"))} expected, ${count(total("actual"))} consumed, ${count(total("over"))} over, ${count(total("under"))} under`,
          times, stepS, unit: count, under: unsettled, pick: traced("CONSUME"), zoom,
          series: [
            { label: "expected", colour: "quiet", values: delivery.expected },
            { label: "consumed", colour: "good", values: delivery.actual, area: true },
            { label: "over (read again)", colour: "warn", values: delivery.over, dash: true },
            { label: "under (not read)", colour: "bad", values: delivery.under },
            ...ghost("consumed", before?.delivery.actual),
          ],
        }),
        h("figcaption", {}, `Messages by the ${stepMs === 60_000 ? "minute" : `${stepMs / 60_000} minutes`} (${zoneName()}) in which they were produced, once for each group that reads them. Shaded: provisional, numbers still change. A click shows the traces, drawing with the pointer zooms.`)),
      steps(data)),
    h("section", { class: "panel" },
      h("h2", {}, "Latency from produced to consumed"),
      h("figure", {},
        timeChart("latency", {
          label: `Latency: median ${elapsed(overall.consumeLatencyMs?.p50)}, p99 ${elapsed(overall.consumeLatencyMs?.p99)}`,
          times, stepS, unit: elapsed, isLog: true, under: painter, extent: data.heatmap.flatMap((cell) => [cell.fromMs, cell.untilMs]), pick: heatPick(data, given, navigate), zoom,
          series: [
            ...["p50", "p95", "p99"].map((name, number) => ({ label: name, colour: ["good", "warn", "bad"][number], values: consumed.map((one) => one?.[name] ?? null) })),
            ...ghost("p95", before?.latencies.consumeLatencyMs.map((one) => one?.p95 ?? null)),
          ],
        }),
        h("figcaption", {}, `Logarithmic, first deliveries only. Squares: how many took so long, by the minute (${zoneName()}) in which they were read; lines: quantiles by the minute in which they were produced. A click on a square shows its traces.`))),
    h("div", { class: "columns" },
      h("section", { class: "panel" },
        h("h2", {}, "Traces per second by type"),
        h("figure", {},
          timeChart("rates", {
            label: "Traces per second by type", times, stepS, unit: (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`,
            pick: traced(null), zoom,
            series: TYPES.map((type) => ({ label: type, colour: type.toLowerCase(), values: perSecond(data.traces[type] ?? times.map(() => 0)) })),
          }),
          h("figcaption", {}, `By the date of the trace (${zoneName()}).`))),
      h("section", { class: "panel" },
        h("h2", {}, "Mean duration by type"),
        h("figure", {},
          timeChart("durations", {
            label: "Mean duration by type", times, stepS, unit: elapsed, isLog: true, pick: traced(null), zoom, zoom,
            series: TYPES.slice(1).map((type) => ({ label: type, colour: type.toLowerCase(), values: data.meanDurationMs[type] ?? times.map(() => null) })),
          }),
          h("figcaption", {}, `Mean by the date of the trace (${zoneName()}): ACK and CONSUME since SEND, COMMIT since CONSUME. First deliveries only. Logarithmic.`)))),
    h("div", { class: "columns" },
      share("Share by group", data.byGroup, (name) => address("/flows", { ...here, clientId: null, groupId: name })),
      share("Number of traces by type", data.byType, (name) => address("/traces", { ...words, type: name, since: data.fromMs, until: data.untilMs })),
      share("Number of traces by client", data.byClient, (name) => address("/client", { ...here, clientId: name })),
      panel("Open findings", data.anomalies.length
        ? table("Open findings", [
          { head: "reason", row: true, cell: (one) => h("a", { href: address("/incidents", { ...here, reason: one.reason }), title: REASONS[one.reason] }, one.reason) },
          { head: "open", number: true, cell: (one) => count(one.n) },
        ], data.anomalies)
        : h("p", { class: "quiet" }, "None is open in this span."))),
  ];
}

export function tile(name, value, bad = 0) {
  return h("div", {}, h("dt", {}, name), h("dd", { class: bad ? "bad" : null }, value));
}

export function share(name, rows, link) {
  const all = rows.reduce((sum, row) => sum + row.n, 0);
  return panel(name, rows.length
    ? table(name, [
      { head: "name", row: true, name: true, cell: (row) => (row.name === null ? `${count(row.others)} others` : h("a", { href: link(row.name) }, row.name)) },
      { head: "", cell: (row) => h("div", { class: "bar" }, h("div", { style: { width: `${(100 * row.n) / all}%` } })) },
      { head: "traces", number: true, cell: (row) => count(row.n) },
      { head: "share", number: true, cell: (row) => `${((100 * row.n) / all).toFixed(1)} %` },
    ], rows)
    : h("p", { class: "quiet" }, "None in this span."));
}

/** A click on the heatmap shows the traces of that square. */
export function heatPick(data, given, navigate) {
  return (index, value) => {
    const cell = data.heatmap.find((one) => one.step === index && value >= one.fromMs && value < one.untilMs);
    const since = data.times[index] * 1000, words = { topic: given.topic, groupId: given.groupId, clientId: given.clientId };
    const band = cell ? { minMs: Math.ceil(cell.fromMs), maxMs: Math.ceil(cell.untilMs) - 1 } : {};
    navigate(address("/traces", { ...words, type: "CONSUME", since, until: since + data.stepMs, ...band }));
  };
}

/** The chart as a table, for those who do not see it or have no pointer. */
function steps(data) {
  const rows = data.times.map((time, step) => ({ time, step })).filter(({ step }) => data.delivery.expected[step] || data.delivery.produced[step]).reverse();
  const at = (name) => (row) => count(data.delivery[name][row.step]);
  return h("details", {}, h("summary", {}, "As a table"),
    table("Delivery by time", [
      { head: `produced at (${zoneName()})`, row: true, cell: (row) => h("a", { href: address("/traces", { since: row.time * 1000, until: row.time * 1000 + data.stepMs }) }, minuteOfMs(row.time * 1000)) },
      ...["produced", "expected", "actual", "over", "under", "inFlight", "committed"].map((name) => ({ head: HEADS[name] ?? name, number: true, cell: at(name) })),
      ...["p50", "p95", "p99"].map((name) => ({ head: name, number: true, cell: (row) => elapsed(data.latencies.consumeLatencyMs[row.step]?.[name]) })),
    ], rows));
}
