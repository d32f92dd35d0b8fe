"""Clocks: how far the clocks of clients are apart, in one number for all pairs of them.

A pair has a record for each hour. Its bounds are loose while the hour is young, so that the hour before counts too;
what is older is forgotten.
"""

from collections.abc import Iterator
from threading import Lock
from typing import Any, NamedTuple

import orjson
from prometheus_client.core import GaugeMetricFamily, Metric

from tracing_aggregator.metrics import catalogue
from transforms.input.dates import NANOS_PER_MILLI, nanos_of

_HOUR_MS = 3_600_000
_MS_PER_S = 1000


class _Hour(NamedTuple):
    """An hour of two clients."""

    cluster: str
    clients: tuple[str, ...]
    start: int


class _Bounds(NamedTuple):
    """What it says: how far the clocks are apart at least, in ms; and whether one of them was set."""

    apart: float
    was_set: bool


class Clocks:
    """The largest clock skew as a collector of prometheus_client. Several threads may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._hours: dict[_Hour, _Bounds] = {}

    def take(self, _key: bytes, value: bytes, _written: int | None = None) -> None:
        """Take in a record of the statistics topic; what is not about clocks is ignored."""
        try:
            record = orjson.loads(value)
            if record["kind"] != "clockSkew":
                return
            start = nanos_of(record["windowStart"]) // NANOS_PER_MILLI
            hour = _Hour(record.get("cluster", ""), tuple(record["clients"]), start)
            bounds = None if "withdrawn" in record else _bounds(record)
        except (ValueError, KeyError, TypeError):
            return
        with self._lock:
            if bounds is None:
                self._hours.pop(hour, None)
            else:
                self._hours[hour] = bounds
            oldest = max((hour.start for hour in self._hours), default=0) - _HOUR_MS
            self._hours = {hour: bounds for hour, bounds in self._hours.items() if hour.start >= oldest}

    def collect(self) -> Iterator[Metric]:
        """The gauges, for each cluster whose clocks anything tells of."""
        with self._lock:
            hours = dict(self._hours)
        pairs, skew, inconsistent = (
            GaugeMetricFamily(metric.name, metric.help, labels=["cluster"])
            for metric in (catalogue.CLOCK_PAIRS, catalogue.CLOCK_SKEW, catalogue.CLOCKS_SET)
        )
        for cluster in sorted({hour.cluster for hour in hours}):
            known = {hour: bounds for hour, bounds in hours.items() if hour.cluster == cluster}
            apart = max((bounds.apart for bounds in known.values() if not bounds.was_set), default=0)
            pairs.add_metric([cluster], len({hour.clients for hour in known}))
            skew.add_metric([cluster], apart / _MS_PER_S)
            inconsistent.add_metric([cluster], len({hour.clients for hour, bounds in known.items() if bounds.was_set}))
        return iter((pairs, skew, inconsistent))


def _bounds(record: dict[str, Any]) -> _Bounds:
    """From lowerMs <= clock of the second - clock of the first <= upperMs; null bounds nothing."""
    return _Bounds(max(0, record["lowerMs"] or 0, -(record["upperMs"] or 0)), "inconsistent" in record)
