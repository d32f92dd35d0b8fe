import { address, empty, h, panel } from "../dom.js";
import { heat, timeChart } from "../charts.js";
import { between, kept } from "../range.js";
import { count, elapsed, zoneName } from "../words.js";
import { heatPick, share, tile, TYPES } from "./overview.js";

export const title = "Client";
export const hasRange = true;
export const isUnlisted = true;

export function heading(given) {
  return given.clientId ? `Client ${given.clientId}` : title;
}

export function url(given) {
  return given.clientId ? address("/api/v1/overview", { minutes: given.minutes, until: given.until, clientId: given.clientId }) : null;
}

export function isStill(given) {
  return Boolean(given.until);
}

export function view(data, given, navigate) {
  if (!data) return empty("Which one? Search above by its name, or choose one from the", "", "overview's list of clients.");
  const { times, stepMs } = data, stepS = stepMs / 1000, words = kept(given);
  const total = (type) => (data.traces[type] ?? []).reduce((sum, number) => sum + number, 0);
  const open = data.anomalies.reduce((sum, one) => sum + one.n, 0);
  const zoom = (from, until) => navigate(address("/client", { ...given, ...between(from, until) }));
  const traced = (index) => navigate(address("/traces", { clientId: given.clientId, since: times[index] * 1000, until: times[index] * 1000 + stepMs }));
  const means = TYPES.slice(1).filter((type) => data.meanDurationMs[type]);
  return [
    h("dl", { class: "tiles" },
      TYPES.map((type) => tile(type, h("a", { href: address("/traces", { clientId: given.clientId, type, since: data.fromMs, until: data.untilMs }) }, count(total(type))))),
      tile("Open findings", h("a", { href: address("/incidents", words) }, count(open)), open)),
    TYPES.some(total) ? null : empty("Nothing of this client in this span. Choose a longer range."),
    panel("Traces per second by type", timeChart("client-rates", {
      label: "Traces per second by type", times, stepS, zoom, pick: traced, unit: (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`,
      series: TYPES.map((type) => ({ label: type, colour: type.toLowerCase(), values: (data.traces[type] ?? times.map(() => 0)).map((value) => value / stepS) })),
    })),
    means.length ? panel("How long its messages took", h("figure", {}, timeChart("client-durations", {
      label: "Mean duration by type, and how many deliveries took how long", times, stepS, zoom, isLog: true, unit: elapsed, under: heat(data.heatmap, times, stepS),
      extent: data.heatmap.flatMap((cell) => [cell.fromMs, cell.untilMs]), pick: heatPick(data, given, navigate),
      series: means.map((type) => ({ label: type, colour: type.toLowerCase(), values: data.meanDurationMs[type] })),
    }), h("figcaption", {}, `Lines: mean of first deliveries by the date of the trace (${zoneName()}). Squares: deliveries from produced to consumed.`))) : null,
    h("div", { class: "columns" },
      share("Topics", data.byTopic, (name) => address("/traces", { clientId: given.clientId, topic: name })),
      data.byGroup.length ? share("Groups", data.byGroup, (name) => address("/flows", { ...words, clientId: null, groupId: name })) : null),
    h("p", { class: "exports" }, h("a", { class: "button", href: address("/traces", { clientId: given.clientId }) }, "All its traces"), " ",
      h("a", { class: "button", href: address("/traces", { clientId: given.clientId, sort: "duration" }) }, "Its slowest")),
  ];
}
