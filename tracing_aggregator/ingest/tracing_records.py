"""From the body of a request to the records that are written for it, and what became of each span."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tracing_aggregator.ingest.raw_traces import Consumption, Rejected, traces_of
from tracing_aggregator.ingest.spans import UndecodableError, spans_of
from transforms.input.dead_letters import DeadLetter, to_key_values
from transforms.input.json_bytes import dump
from transforms.input.records import KafkaRecord

SOURCE = "otlp"
OUTCOMES = ("taken", "ignored", "rejected", "undecodable")


class Topics(NamedTuple):
    """Where raw traces go, and what gives none though it should."""

    tracing: str
    dead_letters: str


class Record(NamedTuple):
    """A record to write."""

    topic: str
    key: bytes
    value: bytes


class Taken(NamedTuple):
    """What a request came to: records to write, and its spans counted by outcome.

    The outcomes: `taken`; `ignored`, which are about something else; `rejected`; and `undecodable` requests.
    """

    records: list[Record]
    outcomes: Counter[str]


def taken(
    body: bytes, encoding: str, topics: Topics, consumption: Consumption, now_ms: int, most: int | None = None
) -> Taken:
    """The records for the spans in a body of this media type; what cannot be used is in the dead letters.

    Raises TooManySpansError where there are more than `most`.
    """
    try:
        spans = spans_of(body, encoding, most)
    except UndecodableError as error:
        return refused(body, Rejected("not-otlp", str(error)), topics, now_ms)
    records: list[Record] = []
    outcomes: Counter[str] = Counter()
    for span, as_json in spans:
        found = traces_of(span, consumption)
        if found is None:
            outcomes["ignored"] += 1
        elif isinstance(found, Rejected):
            outcomes["rejected"] += 1
            name = f"{SOURCE}/{span.trace_id}-{span.span_id}"
            records += _dead_letter(name, as_json, found, topics, now_ms)
        else:
            outcomes["taken"] += 1
            records += (Record(topics.tracing, dump(trace.key), dump(trace.value)) for trace in found)
    return Taken(records, outcomes)


def refused(body: bytes, why: Rejected, topics: Topics, now_ms: int) -> Taken:
    """A body that no span can be read from, as a dead letter named by its hash."""
    name = f"{SOURCE}/{hashlib.sha256(body).hexdigest()[:32]}"
    return Taken(list(_dead_letter(name, body, why, topics, now_ms)), Counter(undecodable=1))


def _dead_letter(name: str, value: bytes, why: Rejected, topics: Topics, now_ms: int) -> Iterator[Record]:
    """`name` stands for the source's topic; spans have no position in one."""
    letter = DeadLetter(KafkaRecord(name, -1, -1, now_ms, None, value), f"{SOURCE}-{why.reason}", why.detail)
    return (Record(topics.dead_letters, key, value) for key, value in to_key_values(letter))
