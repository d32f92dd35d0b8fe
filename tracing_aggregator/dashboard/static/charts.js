// Charts over uPlot. A chart keeps its canvas while its page is live, so that a pointer on it stays where it is.

/* global uPlot */

import { minuteOfMs, stamp, zone, zoneName } from "./words.js";

const held = new Map();
const HEIGHT = 240;
// Where a logarithmic axis of time spans is labelled, in ms: as people count, not in powers of ten.
const SPANS = [1, 10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 86_400_000, 864_000_000];
const sizes = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const one = [...held.values()].find((other) => other.holder === entry.target);
    const width = Math.floor(entry.contentRect.width);
    if (!one || !width) continue;
    if (one.plot) one.plot.setSize({ width, height: HEIGHT });
    else one.plot = new uPlot({ width, height: HEIGHT, ...one.options() }, one.data, one.holder);
  }
});

/** Let all charts go: another page, or other colours. */
export function forget() {
  for (const one of held.values()) {
    sizes.unobserve(one.holder);
    one.plot?.destroy();
  }
  held.clear();
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * A chart over time. `series`: {label, colour, values, area?, dash?}, one value for each of the `times` (in s) from which
 * on it holds for `stepS`; `unit(value)` writes a value.
 * `isLog`: logarithmic axis of time spans. `under(plot)` paints below the lines; `pick(index, value)` is told which step was clicked, and at which height;
 * `zoom(fromMs, untilMs)` which span was drawn with the pointer.
 * `extent`: values that the axis must reach, beside those of the series.
 */
export function timeChart(key, { label, times, stepS, series, unit, isLog = false, under = null, pick = null, zoom = null, extent = [] }) {
  const known = held.get(key);
  const one = known ?? { holder: document.createElement("div"), plot: null };
  const clamp = (value) => (isLog && value !== null ? Math.max(value, 0.5) : value);
  // Each step has a point at its beginning and one at its end: lines are level, and the last step is seen too.
  one.data = [times.flatMap((time) => [time, time + stepS * 0.9999]), ...series.map((line) => line.values.flatMap((value) => [clamp(value), clamp(value)]))];
  one.under = under;
  one.pick = pick;
  one.zoom = zoom;
  one.extent = extent;
  one.holder.setAttribute("aria-label", label);
  if (known) {
    one.plot?.setData(one.data);
    return one.holder;
  }
  one.holder.className = "plot";
  one.holder.setAttribute("role", "img");
  one.options = () => ({
    cursor: { sync: { key: "time" }, drag: { x: Boolean(one.zoom), setScale: false, dist: 8 } },
    tzDate: (seconds) => (zone.isLocal ? new Date(seconds * 1000) : uPlot.tzDate(new Date(seconds * 1000), "UTC")),
    scales: { x: { time: true }, y: isLog ? { distr: 3, range: (_, low, high) => logRange([low, ...one.extent], [high, ...one.extent]) } : { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(1, (high ?? 1) * 1.1)] } },
    axes: [
      { ...axis(), space: 60, values: clock },
      { ...axis(), size: 64, ...(isLog ? spans() : {}), values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : unit(tick))) },
    ],
    series: [{ label: zoneName(), value: (_, at) => (at === null || at === undefined ? "–" : minuteOfMs(at * 1000)) }, ...series.map((line) => painted(line, unit))],
    hooks: {
      drawClear: [(plot) => one.under?.(plot)],
      setSelect: [(plot) => {
        const { left, width } = plot.select;
        if (width < 8) return;
        const [from, until] = [left, left + width].map((at) => plot.posToVal(at, "x") * 1000);
        plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        one.drawn = performance.now();
        one.zoom?.(from, until);
      }],
      ready: [(plot) => plot.over.addEventListener("click", () => {
        const { idx, top } = plot.cursor;
        const hasDrawn = performance.now() - (one.drawn ?? -1000) < 300;
        if (!hasDrawn && idx !== null && idx !== undefined) one.pick?.(idx >> 1, plot.posToVal(top, "y"));
      })],
    },
  });
  held.set(key, one);
  sizes.observe(one.holder);
  return one.holder;
}

/** Hours and minutes; the day with its zone below the tick that begins it, else below the first. */
function clock(_, ticks) {
  const dates = ticks.map((tick) => stamp(tick * 1000));
  const day = (index) => dates[index].slice(0, 10);
  const begins = Math.max(0, dates.findLastIndex((_date, index) => index > 0 && day(index) !== day(index - 1)));
  return ticks.map((tick, index) => {
    const time = dates[index].slice(11, tick % 60 ? 19 : 16);
    return index === begins ? `${time}\n${day(index)} ${zone.isLocal ? "local" : "UTC"}` : time;
  });
}

function spans() {
  return { splits: (_plot, _axis, low, high) => SPANS.filter((ms) => ms >= low && ms <= high), filter: (_, ticks) => ticks };
}

function axis() {
  const line = { stroke: colour("grid"), width: 1 };
  return { stroke: colour("quiet"), grid: line, ticks: line };
}

function painted(line, unit) {
  return {
    label: line.label,
    stroke: colour(line.colour),
    width: line.ghost ? 1 : 2,
    dash: line.dash ? [6, 4] : line.ghost ? [2, 3] : undefined,
    fill: line.area ? colour("area") : undefined,
    points: { show: false },
    spanGaps: false,
    value: (_, value) => (value === null || value === undefined ? "–" : unit(value)),
  };
}

/** Whole decades around all values; what is not there is left out. */
function logRange(lows, highs) {
  const low = Math.min(...lows.filter(Number.isFinite), 1e12), high = Math.max(...highs.filter(Number.isFinite), 0);
  if (low > high) return [1, 1000];
  return [10 ** Math.floor(Math.log10(Math.max(low, 0.5))), 10 ** Math.ceil(Math.log10(Math.max(high, 1) * 1.01))];
}

/** Painter of a heatmap: `cells` of {step, fromMs, untilMs, n} below the lines of a logarithmic chart. */
export function heat(cells, times, stepS) {
  const most = Math.max(1, ...cells.map((cell) => cell.n));
  return (plot) => {
    const { ctx } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
    ctx.clip();
    ctx.fillStyle = colour("accent");
    for (const cell of cells) {
      const left = plot.valToPos(times[cell.step], "x", true), right = plot.valToPos(times[cell.step] + stepS, "x", true);
      const bottom = plot.valToPos(Math.max(cell.fromMs, 0.5), "y", true), top = plot.valToPos(Math.max(cell.untilMs, 0.6), "y", true);
      ctx.globalAlpha = 0.06 + 0.5 * Math.sqrt(cell.n / most);
      ctx.fillRect(left, top, Math.max(right - left, 1), Math.max(bottom - top, 1));
    }
    ctx.restore();
  };
}

/** Painter of the newest bins, whose numbers will still change, as a shade. */
export function newest(sinceS) {
  return (plot) => {
    const { ctx, bbox } = plot;
    const left = Math.max(plot.valToPos(sinceS, "x", true), bbox.left), right = bbox.left + bbox.width;
    if (!(right > left)) return;
    ctx.save();
    ctx.globalAlpha = 0.6;
    ctx.fillStyle = colour("grid");
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.restore();
  };
}

/** Points of {ms, took, ...} over time and logarithmic duration; `pick(point)` is told which was clicked. */
export function scatter(key, { label, points, unit, pick }) {
  const sorted = [...points].sort((one, other) => one.ms - other.ms);
  const known = held.get(key);
  const one = known ?? { holder: document.createElement("div"), plot: null };
  one.data = [sorted.map((point) => point.ms / 1000), sorted.map((point) => Math.max(point.took, 0.5))];
  one.points = sorted;
  one.holder.setAttribute("aria-label", label);
  if (known) {
    one.plot?.setData(one.data);
    return one.holder;
  }
  one.holder.className = "plot";
  one.holder.setAttribute("role", "img");
  one.options = () => ({
    tzDate: (seconds) => (zone.isLocal ? new Date(seconds * 1000) : uPlot.tzDate(new Date(seconds * 1000), "UTC")),
    cursor: { drag: { x: false } },
    legend: { show: false },
    scales: { x: { time: true }, y: { distr: 3, range: (_, low, high) => logRange([low], [high]) } },
    axes: [{ ...axis(), space: 60, values: clock }, { ...axis(), size: 64, ...spans(), values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : unit(tick))) }],
    series: [{}, { label: "duration", stroke: colour("accent"), paths: () => null, points: { show: true, size: 7, fill: colour("accent") } }],
    hooks: { ready: [(plot) => plot.over.addEventListener("click", () => one.points[plot.cursor.idx] && pick(one.points[plot.cursor.idx]))] },
  });
  held.set(key, one);
  sizes.observe(one.holder);
  return one.holder;
}
