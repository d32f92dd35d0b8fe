"""Which document a record of an output topic becomes: its index, its `_id`, its version.

| topic | index | `_id` |
|---|---|---|
| traces | `trace-<day of date>` | `id`, as the connector of the Java system has it |
| statistics | `kafkatrace-stats-<day of windowStart>` | the record's key |
| findings, pathways | `kafkatrace-anomaly`, `kafkatrace-pathway` | `id`, `correlationId` |

Indices are by day where the day of an identity never changes. The version is the Kafka timestamp: of two records with
one identity the one that was written later holds, in whatever order they arrive. A withdrawn record deletes its
document.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import NamedTuple

import orjson

from pipeline.config.settings import Settings
from tracing_aggregator.sinks.values import Value, instant, text, value_of
from transforms.input.dates import date_of
from transforms.input.records import KafkaRecord

TRACE_INDEX = "trace"
STATS_INDEX = "kafkatrace-stats"
ANOMALY_INDEX = "kafkatrace-anomaly"
PATHWAY_INDEX = "kafkatrace-pathway"

#: Elasticsearch takes no longer `_id`, in bytes.
LONGEST_ID = 512
#: When a finding is shown: the first of these that it has, else when it was written.
_TIMES_OF_FINDING = ("date", "lastDate", "windowStart", "producedAt", "deadline")


class Document(NamedTuple):
    """What is to be written. `source` is None where the document is to be deleted."""

    record: KafkaRecord
    index_name: str
    identity: str
    version: int
    source: bytes | None


Place = Callable[[KafkaRecord, Value], tuple[str, str]]


class Documents:
    """Makes documents of records. `topics` are those that it knows, in the order of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._places: Mapping[str, Place] = {
            settings.aggregated_topic: _trace,
            settings.anomaly_topic: _finding,
            settings.stats_topic: _statistics,
            **({settings.pathway_topic: _pathway} if settings.trace_pathways else {}),
        }
        self.topics = tuple(self._places)

    def of(self, record: KafkaRecord) -> Document | None:
        """The document of a record; None for one without a value, which says nothing.

        Raises values.RefusedError when the record is none that we write.
        """
        value = value_of(record)
        if value is None:
            return None
        index, identity = self._places[record.topic](record, value)
        # Written anew: a bulk request is lines, and the original may have line ends.
        source = None if value.get("withdrawn") is True else orjson.dumps(value)
        return Document(record, index, _short(identity), max(0, record.timestamp), source)


def _trace(_: KafkaRecord, value: Value) -> tuple[str, str]:
    return f"{TRACE_INDEX}-{_day(value, 'date')}", text(value, "id")


def _statistics(record: KafkaRecord, value: Value) -> tuple[str, str]:
    key = (record.key or b"").decode(errors="replace")
    return f"{STATS_INDEX}-{_day(value, 'windowStart')}", _of_cluster(value, key)


def _finding(record: KafkaRecord, value: Value) -> tuple[str, str]:
    """Adds `@timestamp`, since findings have different dates, and `resolved`, so that open ones can be asked for."""
    known = (value[name] for name in _TIMES_OF_FINDING if name in value)
    value["@timestamp"] = next(known, date_of(max(0, record.timestamp)))
    value.setdefault("resolved", False)
    return ANOMALY_INDEX, _of_cluster(value, text(value, "id"))


def _pathway(_: KafkaRecord, value: Value) -> tuple[str, str]:
    return PATHWAY_INDEX, _of_cluster(value, text(value, "correlationId"))


def _of_cluster(value: Value, identity: str) -> str:
    """Ids of raw traces are unique in the world; those made of topics and groups are so in one cluster."""
    return f"{value['cluster']}/{identity}" if "cluster" in value else identity


def _short(identity: str) -> str:
    raw = identity.encode()
    return identity if len(raw) <= LONGEST_ID else b64encode(hashlib.sha256(raw).digest()).decode()


def _day(value: Value, name: str) -> str:
    """The day of a date as the name of an index has it: `2026.11.22`."""
    instant(value, name)
    return text(value, name)[:10].replace("-", ".")
