"""ObservedLag: how far each group is behind in the observed topics, by the newest record of each of its partitions.

While messages wait a record is written every few seconds. So one with lag that is old says nothing any more: the group
has no offset now, or nothing is observed. One without lag holds until the group is forgotten.
"""

from collections.abc import Iterator
from threading import Lock
from typing import NamedTuple

import orjson
from prometheus_client.core import GaugeMetricFamily, Metric

from tracing_aggregator.metrics import catalogue
from transforms.input.dates import NANOS_PER_MILLI, nanos_of

_KIND = "observedGroup"
_MS_PER_S = 1000
#: How old a record with lag may be, behind the newest of all.
_STALE_MS = 600_000


class _Group(NamedTuple):
    """The labels."""

    cluster: str
    topic: str
    group: str


class _Sample(NamedTuple):
    """What a record says; times are in ms."""

    at: int
    lag: int
    lag_ms: int
    committed_at: int


class ObservedLag:
    """The gauges as a collector of prometheus_client. Several threads may use it.

    `keep` is for how long a group without lag is shown, in ms.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._lock = Lock()
        self._samples: dict[tuple[_Group, int], _Sample] = {}

    def take(self, _key: bytes, value: bytes, _written: int | None = None) -> None:
        """Take in a record of the statistics topic; what has no lag in it is ignored."""
        try:
            record = orjson.loads(value)
            if record["kind"] != _KIND or "lag" not in record:
                return
            place = _Group(record.get("cluster", ""), record["topic"], record["groupId"]), int(record["partition"])
            at = nanos_of(record["measuredAt"]) // NANOS_PER_MILLI
            sample = _Sample(at, int(record["lag"]), int(record["lagMs"]), at - int(record["sinceCommitMs"]))
        except (ValueError, KeyError, TypeError):
            return
        with self._lock:
            known = self._samples.get(place)
            if known is None or known.at <= sample.at:
                self._samples[place] = sample

    def collect(self) -> Iterator[Metric]:
        """The gauges of each group and topic: lag of all partitions, the age of their oldest message, last commit."""
        with self._lock:
            newest = max((sample.at for sample in self._samples.values()), default=0)
            self._samples = {
                place: sample
                for place, sample in self._samples.items()
                if sample.at >= newest - (_STALE_MS if sample.lag else self._keep)
            }
            samples = sorted(self._samples.items())
        by_group: dict[_Group, list[_Sample]] = {}
        for (group, _), sample in samples:
            by_group.setdefault(group, []).append(sample)
        lag, age, committed = (
            GaugeMetricFamily(metric.name, metric.help, labels=catalogue.LABELS[_KIND])
            for metric in (catalogue.OBSERVED_LAG, catalogue.OBSERVED_LAG_TIME, catalogue.OBSERVED_COMMIT)
        )
        for group, of_group in by_group.items():
            lag.add_metric(group, sum(sample.lag for sample in of_group))
            age.add_metric(group, max(sample.lag_ms for sample in of_group) / _MS_PER_S)
            committed.add_metric(group, max(sample.committed_at for sample in of_group) / _MS_PER_S)
        return iter((lag, age, committed))
