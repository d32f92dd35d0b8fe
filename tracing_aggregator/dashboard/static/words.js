// Numbers, times and reasons as a person reads them.

const whole = new Intl.NumberFormat("en");

export function count(number) {
  return number === null || number === undefined ? "–" : whole.format(number);
}

/** The name of a group; consumers that were assigned their partitions have none. */
export function groupName(id) {
  return id === "" ? "(no group)" : id;
}

/** A time span in ms: 12 ms, 3.2 s, 2 min 5 s, 3 h 12 min. */
export function elapsed(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 0) return `-${elapsed(-ms)}`;
  if (ms < 1) return ms ? `${ms.toFixed(1)} ms` : "0 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 && ms % 1000 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return both(minutes, "min", Math.floor((ms % 60_000) / 1000), "s");
  if (minutes < 1440) return both(Math.floor(minutes / 60), "h", minutes % 60, "min");
  return both(Math.floor(minutes / 1440), "d", Math.floor((minutes % 1440) / 60), "h");
}

function both(large, unit, small, part) {
  return small ? `${large} ${unit} ${small} ${part}` : `${large} ${unit}`;
}

export function percent(ratio) {
  return ratio === null || ratio === undefined ? "–" : `${(ratio * 100).toFixed(ratio < 1 && ratio > 0.995 ? 2 : 0)} %`;
}

/** UTC, or the time of this machine: a switch that the browser remembers. */
export const zone = { isLocal: localStorage.getItem("zone") === "local" };

/** The name of the zone, for headings. */
export function zoneName() {
  return zone.isLocal ? "local time" : "UTC";
}

/** An instant as ISO-8601 in the chosen zone, without its name. */
export function stamp(ms) {
  return new Date(zone.isLocal ? ms - new Date(ms).getTimezoneOffset() * 60_000 : ms).toISOString().slice(0, 23);
}

/** The instant (ms) that such a text, as people type it, means in the chosen zone. */
export function instant(text) {
  return Date.parse(zone.isLocal ? text : `${text}Z`);
}

/** The date of a record (ISO-8601 in UTC), to the ms. */
export function date(text) {
  return text ? stamp(Date.parse(text)).replace("T", " ") : "–";
}

/** The time of day of such a date, to the ms. */
export function timeOfDay(text) {
  return text ? stamp(Date.parse(text)).slice(11) : "";
}

export function dateOfMs(ms) {
  return ms ? stamp(ms).replace("T", " ") : "–";
}

/** Up to the minute. */
export function minuteOfMs(ms) {
  return stamp(ms).slice(0, 16).replace("T", " ");
}

export const REASONS = {
  "send-failed": "the broker did not take it",
  unacked: "in the log, and its producer was never told",
  unlinked: "nothing said where it lies, or which message it is",
  lost: "acknowledged, and not in the log",
  unconsumed: "a group went past it without reading it",
  uncommitted: "read, and not committed in time",
  "over-consumed": "read again by the same group",
  "duplicate-produced": "one client wrote it twice to one topic",
  "negative-latency": "dated before what caused it: clocks disagree",
  "log-restarted": "its offset was another message's before: the log began anew",
  late: "its partner came after the hold was over",
  rewound: "the group committed an offset below the one before",
  gap: "the group committed very far ahead at once",
  stalled: "the group has members and commits nothing, while messages wait",
  "input-lost": "records were gone before the aggregator read them",
  evicted: "facts were given up: too many were open",
};

export const CAUSES = {
  rewind: "the group went back",
  rebalance: "another client of the group took over",
  redelivery: "it was not committed in between",
  "possibly-aborted": "no group read it: it may be part of an aborted transaction",
  unknown: "cause unknown",
};

/** Where a record or finding lies, as `explain` takes it; null if that is not known. */
export function place(record) {
  return record.partition >= 0 && record.offset >= 0 ? `${record.topic}/${record.partition}/${record.offset}` : null;
}
