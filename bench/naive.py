"""What our join is compared with: the same result, one key of state per message, as a first attempt would do it.

In: the raw traces. Out: every trace with what is known of its message. LocateMessages keeps the position of each
(correlationId, topic), JoinMessages the facts of each (topic, partition, offset): one cell of state, read and written
for each trace. Source, parser, sink, runner, flags and waits are those of the real pipeline; what it leaves out
(commits of several messages, order, revisions, findings, holds) would only make it slower.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import apache_beam as beam
import orjson
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from pipeline.config.settings import Settings
from pipeline.sources import Source
from transforms.aggregated import aggregated
from transforms.dates import duration_ms, nanos_of
from transforms.packs import KeyedPack
from transforms.parse_traces import ParseTraces
from transforms.records import ACK, COMMIT, CONSUME, SEND, UNKNOWN, KeyValue
from transforms.traces import Commit, Consume, Send, Trace


class _Fact(NamedTuple):
    """A trace between steps and in state, where it is the JSON array of this."""

    type: str
    id: str
    date: str
    client_id: str
    topic: str
    timestamp: int
    correlation_id: str | None
    group_id: str | None
    partition: int
    offset: int


def build(pipeline: beam.Pipeline, source: Source, sink: beam.PTransform, settings: Settings) -> None:
    """Add all steps to the pipeline."""
    parsed = source.read(pipeline).traces | "ParseTraces" >> ParseTraces(settings.date_max_ahead_ms)
    traces = parsed["traces"]
    by_correlation = traces | "KeyByCorrelation" >> beam.FlatMap(_by_correlation).with_output_types(KeyedPack)
    locate, join = _Locate(settings.retention_ms), _Join(settings.retention_ms)
    located = by_correlation | "LocateMessages" >> beam.ParDo(locate).with_output_types(KeyedPack)
    by_position = traces | "KeyByPosition" >> beam.FlatMap(_by_position).with_output_types(KeyedPack)
    facts = (by_position, located) | "MergeFacts" >> beam.Flatten()
    joined = facts | "JoinMessages" >> beam.ParDo(join).with_output_types(KeyValue)
    joined | "WriteTraces" >> sink


def _by_correlation(trace: Trace) -> Iterator[KeyedPack]:
    if isinstance(trace, Send | Consume):
        yield orjson.dumps([trace.correlation_id, trace.topic]), _encoded(_fact(trace))


def _by_position(trace: Trace) -> Iterator[KeyedPack]:
    if not isinstance(trace, Send):
        fact = _fact(trace)
        yield _position(fact), _encoded(fact)


def _fact(trace: Trace) -> _Fact:
    position = (UNKNOWN, UNKNOWN) if isinstance(trace, Send) else (trace.partition, trace.offset)
    group = trace.group_id if isinstance(trace, Consume | Commit) else None
    common = trace.type, trace.id, trace.date, trace.client_id, trace.topic, trace.timestamp, trace.correlation_id
    return _Fact(*common, group, *position)


def _encoded(fact: _Fact) -> bytes:
    return orjson.dumps(tuple(fact))


def _decoded(encoded: bytes) -> _Fact:
    return _Fact(*orjson.loads(encoded))


def _position(fact: _Fact) -> bytes:
    return orjson.dumps([fact.topic, fact.partition, fact.offset])


class _Forget(beam.DoFn):
    """What both steps do when retention is over."""

    def __init__(self, retention_ms: int) -> None:
        self._retention_ms = retention_ms

    def _arm(self, forget: Any, fact: _Fact) -> None:
        forget.set(Timestamp(micros=(fact.timestamp + self._retention_ms) * 1000))


class _Locate(_Forget):
    """A SEND with its position, as soon as a CONSUME says it."""

    CELL = ReadModifyWriteStateSpec("located", BytesCoder())
    FORGET = TimerSpec("forget_located", TimeDomain.WATERMARK)

    def process(
        self,
        element: KeyedPack,
        cell: Any = beam.DoFn.StateParam(CELL),
        forget: Any = beam.DoFn.TimerParam(FORGET),
    ) -> Iterator[KeyedPack]:
        fact = _decoded(element[1])
        known: dict[str, Any] = orjson.loads(cell.read() or b"{}")
        if not known:
            self._arm(forget, fact)
        is_new = fact.type not in known
        known.setdefault(fact.type, tuple(fact))
        cell.write(orjson.dumps(known))
        if is_new and SEND in known and CONSUME in known:
            send, consume = _Fact(*known[SEND]), _Fact(*known[CONSUME])
            located = send._replace(partition=consume.partition, offset=consume.offset)
            yield _position(located), _encoded(located)

    @on_timer(FORGET)
    def on_forget(self, cell: Any = beam.DoFn.StateParam(CELL)) -> None:
        cell.clear()


class _Join(_Forget):
    """Every trace of a message once its partner is there: SEND for ACK and CONSUME, CONSUME for COMMIT."""

    CELL = ReadModifyWriteStateSpec("joined", BytesCoder())
    FORGET = TimerSpec("forget_joined", TimeDomain.WATERMARK)

    def process(
        self,
        element: KeyedPack,
        cell: Any = beam.DoFn.StateParam(CELL),
        forget: Any = beam.DoFn.TimerParam(FORGET),
    ) -> Iterator[KeyValue]:
        fact = _decoded(element[1])
        known: dict[str, Any] = orjson.loads(cell.read() or b"{}")
        if not known:
            self._arm(forget, fact)
        known.setdefault(_name(fact), {"fact": tuple(fact), "written": False})
        for entry in known.values():
            waiting = _Fact(*entry["fact"])
            partner = known.get(SEND if waiting.type != COMMIT else f"{CONSUME} {waiting.group_id}")
            if not entry["written"] and partner is not None:
                entry["written"] = True
                yield _record(waiting, _Fact(*partner["fact"]))
        cell.write(orjson.dumps(known))

    @on_timer(FORGET)
    def on_forget(self, cell: Any = beam.DoFn.StateParam(CELL)) -> None:
        cell.clear()


def _name(fact: _Fact) -> str:
    return fact.type if fact.type in {SEND, ACK} else f"{fact.type} {fact.group_id}"


def _record(fact: _Fact, partner: _Fact) -> KeyValue:
    return aggregated(
        fact.type, fact.id, fact.date, fact.client_id, fact.topic, partition=fact.partition, offset=fact.offset,
        group_id=fact.group_id, correlation_id=partner.correlation_id,
        duration_ms=None if fact.type == SEND else duration_ms(nanos_of(partner.date), nanos_of(fact.date)),
    )  # fmt: skip
