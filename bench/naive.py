"""What our join is compared with: the same result, one key of state per message, as a first attempt would do it.

In: the raw traces. Out: every trace with what is known of its message. LocateMessages keeps the position of each
(correlationId, topic), JoinMessages the facts of each (topic, partition, offset): one cell of state, read and written
for each trace. Source, parser, sink, runner, flags and waits are those of the real pipeline; what it leaves out
(commits of several messages, order, revisions, findings, holds) would only make it slower.
"""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from pipeline.settings import Settings
from pipeline.sources import Source
from transforms.aggregated import aggregated
from transforms.dates import duration_ms, nanos_of
from transforms.packs import KeyedPack
from transforms.parse_traces import ParseTraces
from transforms.records import ACK, COMMIT, CONSUME, SEND, KeyValue, Trace


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
    if trace.type in {SEND, CONSUME}:
        yield orjson.dumps([trace.correlation_id, trace.topic]), _encoded(trace)


def _by_position(trace: Trace) -> Iterator[KeyedPack]:
    if trace.type != SEND:
        yield _position(trace), _encoded(trace)


def _position(trace: Trace) -> bytes:
    return orjson.dumps([trace.topic, trace.partition, trace.offset])


def _encoded(trace: Trace) -> bytes:
    return orjson.dumps(tuple(trace))


def _trace(encoded: bytes) -> Trace:
    return Trace(*orjson.loads(encoded))


class _Forget(beam.DoFn):
    """What both steps do when retention is over."""

    def __init__(self, retention_ms: int) -> None:
        self._retention_ms = retention_ms

    def _arm(self, forget: Any, trace: Trace) -> None:
        forget.set(Timestamp(micros=(trace.timestamp + self._retention_ms) * 1000))


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
        trace = _trace(element[1])
        known: dict[str, Any] = orjson.loads(cell.read() or b"{}")
        if not known:
            self._arm(forget, trace)
        is_new = trace.type not in known
        known.setdefault(trace.type, tuple(trace))
        cell.write(orjson.dumps(known))
        if is_new and SEND in known and CONSUME in known:
            send, consume = Trace(*known[SEND]), Trace(*known[CONSUME])
            yield _position(consume), _encoded(send._replace(partition=consume.partition, offset=consume.offset))

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
        trace = _trace(element[1])
        known: dict[str, Any] = orjson.loads(cell.read() or b"{}")
        if not known:
            self._arm(forget, trace)
        known.setdefault(_name(trace), {"trace": tuple(trace), "written": False})
        for fact in known.values():
            waiting = Trace(*fact["trace"])
            partner = known.get(SEND if waiting.type != COMMIT else f"{CONSUME} {waiting.group_id}")
            if not fact["written"] and partner is not None:
                fact["written"] = True
                yield _record(waiting, Trace(*partner["trace"]))
        cell.write(orjson.dumps(known))

    @on_timer(FORGET)
    def on_forget(self, cell: Any = beam.DoFn.StateParam(CELL)) -> None:
        cell.clear()


def _name(trace: Trace) -> str:
    return trace.type if trace.type in {SEND, ACK} else f"{trace.type} {trace.group_id}"


def _record(trace: Trace, partner: Trace) -> KeyValue:
    return aggregated(
        trace.type, trace.id, trace.date, trace.client_id, trace.topic, partition=trace.partition, offset=trace.offset,
        group_id=trace.group_id, correlation_id=partner.correlation_id,
        duration_ms=None if trace.type == SEND else duration_ms(nanos_of(partner.date), nanos_of(trace.date)),
    )  # fmt: skip
