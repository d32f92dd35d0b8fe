"""Stores made by hand: values of output records go in, a `Reader` comes out."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.config.settings import Settings
from tracing_aggregator.dashboard.intake.ingest import Ingest
from tracing_aggregator.dashboard.store import Reader, open_store
from transforms.input.records import KafkaRecord
from transforms.stats.latency_sketch import LatencySketch

Value = dict[str, Any]
SETTINGS = Settings()
TRACES, ANOMALIES, DEAD_LETTERS, STATS, PATHWAYS = SETTINGS.output_topics()


class Made:
    """A store that takes values; offsets count by themselves, in one partition of each topic."""

    def __init__(self, folder: Path) -> None:
        self.connection = open_store(folder / "store.sqlite")
        self.ingest = Ingest(self.connection, SETTINGS)
        self.reader = Reader(folder / "store.sqlite")
        self._offset = 0

    def take(self, topic: str, values: Iterable[Value | bytes | None]) -> "Made":
        records = []
        for value in values:
            payload = json.dumps(value).encode() if isinstance(value, dict) else value
            records.append(KafkaRecord(topic, 0, self._offset, 1000 + self._offset, None, payload))
            self._offset += 1
        self.ingest.take(records)
        return self


def latencies(*millis: int) -> Value:
    """What a record of statistics says of these latencies."""
    sketch = LatencySketch()
    for ms in millis:
        sketch.add(ms)
    return sketch.summary() or {}


def group_minute(start: str, group: str = "billing", **known: Any) -> Value:
    counts = dict.fromkeys(("expected", "actual", "over", "under", "committed", "slaBreaches"), 0)
    return {
        "kind": "group",
        "topic": "orders",
        "groupId": group,
        "windowStart": start,
        **counts,
        "verdicts": {},
        **known,
    }


def topic_minute(start: str, **known: Any) -> Value:
    counts = dict.fromkeys(("produced", "sent", "acked", "unknownProduceTime"), 0)
    return {"kind": "topic", "topic": "orders", "windowStart": start, **counts, "verdicts": {}, "groups": [], **known}
