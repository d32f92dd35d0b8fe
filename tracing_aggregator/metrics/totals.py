"""StatsTotals: what Prometheus wants, from records that replace each other.

A statistics record says all of one minute, and the next one with its key replaces it. A counter of Prometheus only
grows. So the newest record of each minute is kept, totals change by what it differs from the one before, and what is
shown is the highest total so far. A total falls for a moment when a message moves to another minute (the record of the
old one comes first), and then the shown one waits until it is reached again: nothing is counted twice for good.

Of minutes that began before we looked (`since`) the first record is where counting starts, not a leap. Records that
were written before that are read too, for the gauges alone: what was open before a restart is open after it.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, NamedTuple

import orjson
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from tracing_aggregator.metrics import catalogue
from tracing_aggregator.metrics.buckets import LENGTH, distribution
from tracing_aggregator.metrics.catalogue import BOUNDS_MS, COUNTERS, HISTOGRAMS, LABEL_FIELDS, LABELS
from transforms.input.dates import NANOS_PER_MILLI, nanos_of
from transforms.stats.in_flight import in_flight

_MINUTE = 60_000
_MS_PER_S = 1000
_BOUNDS = [str(bound / _MS_PER_S) for bound in BOUNDS_MS]

#: Kind of record, and the values of its labels.
Subject = tuple[str, tuple[str, ...]]
#: Name of a gauge, and the values of its labels.
Gauge = tuple[str, tuple[str, ...]]


class _Window(NamedTuple):
    """The newest record of a minute: what it adds to totals and to gauges."""

    subject: Subject
    start: int
    numbers: "array[float]"
    gauges: Mapping[Gauge, int]


class _Totals:
    """The sum over all windows of a subject, and the highest that it ever was."""

    def __init__(self, length: int) -> None:
        self._now = array("d", bytes(8 * length))
        self._highest = array("d", self._now)

    def move(self, before: "array[float]", after: "array[float]") -> None:
        """A window says something else than before."""
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            self._now[index] += new - old

    def show(self) -> "array[float]":
        """The highest totals, those of now among them."""
        for index, total in enumerate(self._now):
            self._highest[index] = max(total, self._highest[index])
        return self._highest


class StatsTotals:
    """Totals of the statistics as a collector of prometheus_client. Several threads may use it.

    Args:
        since: ms since the epoch; every record that was written then or later is given to `take`, and of those before
            at least the last one of each window that may still change.
        keep: how long windows change, in ms; older than the newest by more than this they are forgotten.
    """

    def __init__(self, since: int, keep: int) -> None:
        self._since = since
        self._keep = keep
        self._lock = Lock()
        self._windows: dict[bytes, _Window] = {}
        self._totals: dict[Subject, _Totals] = {}
        self._gauges: Counter[Gauge] = Counter()
        self._newest = 0
        self._trimmed = 0

    def take(self, key: bytes, value: bytes, written: int | None = None) -> None:
        """Take in a record of the statistics topic; anything else is ignored.

        `written` is its timestamp in ms since the epoch, None if it is new.
        """
        try:
            record = orjson.loads(value)
            kind = record["kind"]
            if kind not in LABELS:
                return
            labels = (record.get("cluster", ""), *(record[field] for field in LABEL_FIELDS[kind]))
            start = nanos_of(record["windowStart"]) // NANOS_PER_MILLI
            window = _Window((kind, labels), start, _numbers(kind, record), _gauges(kind, labels, record))
        except (ValueError, KeyError, TypeError):
            return
        with self._lock:
            self._put(key, window, is_counted=written is None or written >= self._since)

    def _put(self, key: bytes, window: _Window, *, is_counted: bool) -> None:
        if window.start < self._newest - self._keep:
            return
        before, totals = self._windows.get(key), self._totals.get(window.subject)
        if totals is None:
            totals = self._totals[window.subject] = _Totals(len(window.numbers))
        if before is not None:
            self._gauges.subtract(before.gauges)
        if not is_counted:
            pass
        elif before is not None:
            totals.move(before.numbers, window.numbers)
        elif window.start >= self._since:
            totals.move(array("d", bytes(8 * len(window.numbers))), window.numbers)
        self._gauges.update(window.gauges)
        self._windows[key] = window
        self._newest = max(self._newest, window.start)
        if self._newest >= self._trimmed + _MINUTE:
            self._trim()

    def _trim(self) -> None:
        """What the windows added to totals stays in them."""
        self._trimmed = self._newest
        for key, window in list(self._windows.items()):
            if window.start < self._newest - self._keep:
                self._gauges.subtract(window.gauges)
                del self._windows[key]

    def collect(self) -> Iterator[Metric]:
        """All metrics of the statistics, as they are now."""
        with self._lock:
            shown = {subject: list(totals.show()) for subject, totals in self._totals.items()}
            gauges, newest = dict(self._gauges), self._newest
        for kind, names in LABELS.items():
            rows = sorted((labels, numbers) for (of, labels), numbers in shown.items() if of == kind)
            for place, (_, name, text) in enumerate(COUNTERS[kind]):
                counter = CounterMetricFamily(name, text, labels=names)
                for labels, numbers in rows:
                    counter.add_metric(labels, numbers[place])
                yield counter
            for place, (_, name, text) in enumerate(HISTOGRAMS[kind]):
                first = len(COUNTERS[kind]) + place * LENGTH
                histogram = HistogramMetricFamily(name, text, labels=names)
                for labels, numbers in rows:
                    *below, count, total = numbers[first : first + LENGTH]
                    buckets = [*zip(_BOUNDS, below, strict=True), ("+Inf", count)]
                    histogram.add_metric(labels, buckets, sum_value=total)
                yield histogram
        for metric, labels in (
            (catalogue.UNDER, LABELS["group"]),
            (catalogue.IN_FLIGHT, LABELS["group"]),
            (catalogue.OPEN, (*LABELS["topic"], "reason")),
            (catalogue.OPEN_OF_GROUP, (*LABELS["group"], "reason")),
        ):
            gauge = GaugeMetricFamily(metric.name, metric.help, labels=labels)
            for (name, values), count in sorted(gauges.items()):
                if name == metric.name:
                    gauge.add_metric(values, count)
            yield gauge
        if newest:
            yield GaugeMetricFamily(*catalogue.NEWEST_WINDOW[1:], value=newest / _MS_PER_S)


def _numbers(kind: str, record: Mapping[str, Any]) -> "array[float]":
    """The counters, then the distributions of a record; all 0 if it is withdrawn."""
    numbers = [float(_at(record, metric.field)) for metric in COUNTERS[kind]]
    for metric in HISTOGRAMS[kind]:
        numbers += distribution(record.get(metric.field))
    return array("d", numbers)


def _at(record: Any, path: str) -> float:
    for name in path.split("."):
        record = record.get(name, {})
    return record or 0


def _gauges(kind: str, labels: tuple[str, ...], record: Mapping[str, Any]) -> dict[Gauge, int]:
    """What is still open of a window. In a final one nothing is: it is past retention. An edge has no findings."""
    if "final" in record or kind == "edge":
        return {}
    metric = catalogue.OPEN if kind == "topic" else catalogue.OPEN_OF_GROUP
    found = {(metric.name, (*labels, reason)): count for reason, count in record.get("verdicts", {}).items()}
    if kind == "group":
        expected, actual, under = (record.get(name, 0) for name in ("expected", "actual", "under"))
        found[catalogue.UNDER.name, labels] = under
        found[catalogue.IN_FLIGHT.name, labels] = in_flight(expected, actual, under)
    return found
