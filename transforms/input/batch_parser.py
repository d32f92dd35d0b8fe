"""Raw traces, parsed a batch at a time: decoded at once, their dates read at once.

The strict parser looks at whatever does not fit, and says what it is. For any bytes this says what that says.
"""

from collections.abc import Sequence
from contextlib import suppress

from msgspec import DecodeError, json

from transforms.input.dates import NANOS_PER_MILLI
from transforms.input.plain_dates import nanos_of_plain
from transforms.input.records import LATEST_TIMESTAMP, UNKNOWN
from transforms.input.strict_parser import MAX_VALUE_BYTES, Refused, parse_trace
from transforms.input.traces import Ack, Trace

_DECODER = json.Decoder(list[Trace])
#: Up to so many values cost less one by one. A batch that cannot be decoded is divided into so many parts, and each of
#: them again if it must: one bad value spoils few others.
_FEW = 10


def parse_traces(values: Sequence[bytes | None], timestamps: Sequence[int], max_ahead_ms: int) -> list[Trace | Refused]:
    """The trace in each value, or why it is none; `timestamps` (ms) are those of their records, negative without one.

    A date may lie at most `max_ahead_ms` after the record's own timestamp.
    """
    if len(values) <= _FEW:
        return [parse_trace(*one, max_ahead_ms) for one in zip(values, timestamps, strict=True)]
    decoded = _decode(values)
    instants = nanos_of_plain(["" if trace is None else trace.date for trace in decoded])
    parsed: list[Trace | Refused] = []
    for value, trace, nanos, own_timestamp in zip(values, decoded, instants, timestamps, strict=True):
        timestamp = own_timestamp if own_timestamp >= 0 else nanos // NANOS_PER_MILLI
        if (
            trace is None
            or not nanos
            or timestamp > LATEST_TIMESTAMP
            or nanos >= (timestamp + max_ahead_ms + 1) * NANOS_PER_MILLI
            or (type(trace) is Ack and trace.partition == UNKNOWN != trace.offset)
        ):
            parsed.append(parse_trace(value, own_timestamp, max_ahead_ms))
            continue
        trace.timestamp = timestamp
        trace.nanos = nanos
        if trace.record_timestamp != UNKNOWN:
            trace.extra = {"recordTimestamp": trace.record_timestamp}
        parsed.append(trace)
    return parsed


def _decode(values: Sequence[bytes | None]) -> Sequence[Trace | None]:
    """What each value says by itself; None where the strict parser must look.

    No value can take part of another: a line ends no string, and where one ends, an object can only begin as an item
    of the array, because a trace has neither lists nor objects in it.
    """
    fitting = [value for value in values if value and value[:1] == b"{" and len(value) <= MAX_VALUE_BYTES]
    if len(fitting) == len(values):
        with suppress(DecodeError, UnicodeDecodeError, RecursionError):
            traces = _DECODER.decode(b"[%b]" % b",\n".join(fitting))
            if len(traces) == len(values):
                return traces
    if len(values) <= _FEW:
        return [None] * len(values)
    size = -(-len(values) // _FEW)
    return [one for start in range(0, len(values), size) for one in _decode(values[start : start + size])]
