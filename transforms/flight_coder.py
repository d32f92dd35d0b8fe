"""FlightCoder: a written flight in few bytes.

Every SEND of it is written and waits for nothing, so its hold need not be kept. UUIDs take 16 bytes; topics and client
ids, which repeat, are numbers in a table; times are distances from the newest one. What is odd (an id that is no UUID,
a table that is full) is kept as the text that it is. The bytes themselves are those of Beam's FastPrimitivesCoder.
"""

from collections.abc import Iterable
from typing import Any, cast

import orjson
from apache_beam.coders import FastPrimitivesCoder
from apache_beam.coders.coder_impl import create_InputStream

from transforms.dates import NANOS_PER_MILLI, date_of_nanos
from transforms.send_pairing import Flight, Link, Position, Send

#: Topic and correlationId.
Name = tuple[str, str]

#: Topics and client ids beyond so many are spelt out: clients that name themselves anew fill no memory.
MAX_TEXTS = 4096
_UUID_LENGTH = 36
#: Of a date up to and with its point, and of the Z.
_WITHOUT_DIGITS = len("2020-03-25T15:41:01.Z")
_coder = FastPrimitivesCoder().get_impl()


class FlightCoder:
    """See the head of this file. `texts` is the table, saved with the bytes that refer to it."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts = list(texts)
        self._numbers = {text: number for number, text in enumerate(self.texts)}

    def name(self, name: Name) -> bytes:
        """The bytes of a name; no name's begin with another's."""
        topic, correlation = name
        return cast("bytes", _coder.encode([self._number(topic), _packed(correlation)]))

    def flight(self, flight: Flight) -> bytes:
        """The bytes of a flight."""
        last, base = flight.last, flight.last * NANOS_PER_MILLI
        values: list[Any] = [last, len(flight.sends)]
        for send in flight.sends:
            values += (
                _packed(send.id), _dated(send, base), self._number(send.client_id), last - send.timestamp,
                send.extra and orjson.dumps(send.extra), send.revision, send.version * 2 + send.answered,
                *(send.written or (None, None)),
            )  # fmt: skip
        known = flight.sends[0].written if flight.sends else None
        for link in flight.links:
            place = (None,) if (link.partition, link.offset) == known else (link.partition, link.offset)
            is_ack, who = link.client_id is not None, link.reader if link.client_id is None else link.client_id
            age = (last - link.timestamp) * 2 + is_ack
            values += (*place, _unsigned(link.nanos - base), None if who is None else self._number(who), age)
        return cast("bytes", _coder.encode(values))

    def decode(self, encoded: bytes) -> tuple[Name, Flight]:
        """The name and the flight whose bytes these are."""
        stream = create_InputStream(encoded)
        topic, correlation = _coder.decode_from_stream(stream, nested=True)
        values = iter(_coder.decode_from_stream(stream, nested=True))
        flight = Flight()
        flight.last = next(values)
        for _ in range(next(values)):
            flight.sends.append(self._send(values, flight.last))
        for partition in values:
            place = flight.sends[0].written if partition is None else (partition, next(values))
            partition, offset = cast("Position", place)  # noqa: PLW2901  None stood for the place of the first SEND
            nanos = _signed(next(values)) + flight.last * NANOS_PER_MILLI
            who = self._text(next(values))
            age, is_ack = divmod(next(values), 2)
            client, reader = (who, None) if is_ack else (None, who)
            flight.links.append(Link(partition, offset, nanos, client, flight.last - age, reader))
        return (cast("str", self._text(topic)), _spelt(correlation)), flight

    def _send(self, values: Any, last: int) -> Send:
        identity, date, client, age, extra, revision, version, partition, offset = (next(values) for _ in range(9))
        if isinstance(date, int):
            distance, digits = divmod(date, 10)
            date = date_of_nanos(_signed(distance) + last * NANOS_PER_MILLI, digits)
        timestamp = last - age
        extra = extra and orjson.loads(extra)
        send = Send(_spelt(identity), date, cast("str", self._text(client)), timestamp, extra, deadline=timestamp)
        send.revision, send.version, send.answered = revision, version // 2, bool(version % 2)
        send.written = None if partition is None else Position(partition, offset)
        return send

    def _number(self, text: str) -> int | str:
        number = self._numbers.get(text)
        if number is None:
            if len(self.texts) >= MAX_TEXTS:
                return text
            number = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return number

    def _text(self, number: int | str | None) -> str | None:
        return self.texts[number] if isinstance(number, int) else number


def _packed(text: str) -> bytes | str:
    """A canonical UUID as its 16 bytes, any other text as it is."""
    if len(text) == _UUID_LENGTH:
        try:
            packed = bytes.fromhex(text.replace("-", ""))
        except ValueError:
            return text
        if _spelt(packed) == text:
            return packed
    return text


def _spelt(packed: bytes | str) -> str:
    if isinstance(packed, str):
        return packed
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _dated(send: Send, base: int) -> int | str:
    """A date as its distance from `base` (ns) and its number of fraction digits; as text if it is not that alone."""
    digits = max(len(send.date) - _WITHOUT_DIGITS, 0)
    return _unsigned(send.nanos - base) * 10 + digits if date_of_nanos(send.nanos, digits) == send.date else send.date


def _unsigned(number: int) -> int:
    """Small numbers are short only if they are not negative."""
    return number * 2 if number >= 0 else -number * 2 - 1


def _signed(number: int) -> int:
    return -(number + 1) // 2 if number % 2 else number // 2
