// Charts over uPlot. A chart keeps its canvas while its page is live, so that a pointer on it stays where it is.

/* global uPlot */

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
 * A chart over time, in UTC. `series`: {label, colour, values, area?, dash?}, one value for each of the `times` (in s) from which
 * on it holds for `stepS`; `unit(value)` writes a value.
 * `isLog`: logarithmic axis of time spans. `under(plot)` paints below the lines; `pick(index)` is told what was clicked.
 * `extent`: values that the axis must reach, beside those of the series.
 */
export function timeChart(key, { label, times, stepS, series, unit, isLog = false, under = null, pick = null, extent = [] }) {
  const known = held.get(key);
  const one = known ?? { holder: document.createElement("div"), plot: null };
  const clamp = (value) => (isLog && value !== null ? Math.max(value, 0.5) : value);
  // Each step has a point at its beginning and one at its end: lines are level, and the last step is seen too.
  one.data = [times.flatMap((time) => [time, time + stepS * 0.9999]), ...series.map((line) => line.values.flatMap((value) => [clamp(value), clamp(value)]))];
  one.under = under;
  one.pick = pick;
  one.extent = extent;
  one.holder.setAttribute("aria-label", label);
  if (known) {
    one.plot?.setData(one.data);
    return one.holder;
  }
  one.holder.className = "plot";
  one.holder.setAttribute("role", "img");
  one.options = () => ({
    cursor: { sync: { key: "time" }, drag: { x: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    scales: { x: { time: true }, y: isLog ? { distr: 3, range: (_, low, high) => logRange([low, ...one.extent], [high, ...one.extent]) } : { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(1, (high ?? 1) * 1.1)] } },
    axes: [
      { ...axis(), space: 60, values: clock },
      { ...axis(), size: 64, ...(isLog ? spans() : {}), values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : unit(tick))) },
    ],
    series: [{ label: "UTC", value: (_, at) => (at === null || at === undefined ? "–" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")) }, ...series.map((line) => painted(line, unit))],
    hooks: {
      drawClear: [(plot) => one.under?.(plot)],
      ready: [(plot) => plot.over.addEventListener("click", () => plot.cursor.idx !== null && plot.cursor.idx !== undefined && one.pick?.(plot.cursor.idx >> 1))],
    },
  });
  held.set(key, one);
  sizes.observe(one.holder);
  return one.holder;
}

/** Hours and minutes; the day with its zone below the tick that begins it, else below the first. */
function clock(_, ticks) {
  const dates = ticks.map((tick) => new Date(tick * 1000).toISOString());
  const day = (index) => dates[index].slice(0, 10);
  const begins = Math.max(0, dates.findLastIndex((_date, index) => index > 0 && day(index) !== day(index - 1)));
  return ticks.map((tick, index) => {
    const time = dates[index].slice(11, tick % 60 ? 19 : 16);
    return index === begins ? `${time}\n${day(index)} UTC` : time;
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
    width: 2,
    dash: line.dash ? [6, 4] : undefined,
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
