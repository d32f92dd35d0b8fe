"""SendCoder: what waits for nothing, in few bytes.

Every SEND of it is written, so its hold need not be kept. UUIDs take 16 bytes; topics and client ids, which repeat, are
numbers in a table; times are distances from the newest one. What is odd (an id that is no UUID, a table that is full)
is kept as the text that it is. The bytes themselves are MessagePack.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import convert, msgpack, to_builtins

from transforms.input.dates import NANOS_PER_MILLI
from transforms.locate.send_facts import CorrelatedSends, Name, PlainSend

#: Topics and client ids beyond so many are spelt out: clients that name themselves anew fill no memory.
MAX_TEXTS = 4096
_UUID_LENGTH = 36
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(list[Any]).decode


class TextTable:
    """Texts that repeat, as numbers. `texts` is saved with the bytes that refer to it."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts = list(texts)
        self._numbers = {text: number for number, text in enumerate(self.texts)}

    def number(self, text: str) -> int | str:
        """The number of a text; the text itself if the table is full."""
        number = self._numbers.get(text)
        if number is None:
            if len(self.texts) >= MAX_TEXTS:
                return text
            number = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return number

    def text(self, number: int | str) -> str:
        """The text that gave this number."""
        return self.texts[number] if isinstance(number, int) else number


class SendCoder:
    """See the head of this file."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.table = TextTable(texts)

    def name(self, name: Name) -> bytes:
        """The bytes of a name; no name's begin with another's."""
        topic, correlation_id = name
        encoded = _encode((self.table.number(topic), packed(correlation_id)))
        return len(encoded).to_bytes(2, "big") + encoded

    def entry(self, entry: PlainSend | CorrelatedSends) -> bytes:
        """The bytes of what is kept under a name."""
        if isinstance(entry, CorrelatedSends):
            return _encode([to_builtins(entry)])
        last, base, number = entry.last, entry.last * NANOS_PER_MILLI, self.table.number
        sent = (
            packed(entry.id), entry.nanos - base, entry.digits, number(entry.client_id), last - entry.timestamp,
            entry.extra,
        ) if entry.id else ()  # fmt: skip
        seen = (
            entry.seen_nanos - base, last - entry.seen_timestamp, None if entry.reader is None else number(entry.reader)
        ) if entry.seen_nanos >= 0 else ()  # fmt: skip
        acked = (
            entry.acked_nanos - base, last - entry.acked_timestamp, number(entry.acked_by or "")
        ) if entry.acked_nanos >= 0 else ()  # fmt: skip
        return _encode((last, entry.partition, entry.offset, entry.written, sent, seen, acked))

    def decode(self, record: bytes) -> tuple[Name, PlainSend | CorrelatedSends]:
        """The name and what was kept under it, whose bytes these are."""
        end = 2 + int.from_bytes(record[:2], "big")
        topic, correlation_id = _decode(record[2:end])
        name = self.table.text(topic), spelt(correlation_id)
        values = _decode(record[end:])
        if len(values) == 1:
            return name, convert(values[0], CorrelatedSends)
        last, partition, offset, is_written, sent, seen, acked = values
        text, base = self.table.text, last * NANOS_PER_MILLI
        entry = PlainSend(partition=partition, offset=offset, last=last, written=is_written)
        if sent:
            identity, nanos, entry.digits, client, age, entry.extra = sent
            entry.id, entry.client_id = spelt(identity), text(client)
            entry.nanos, entry.timestamp = base + nanos, last - age
        if seen:
            nanos, age, reader = seen
            entry.seen_nanos, entry.seen_timestamp = base + nanos, last - age
            entry.reader = None if reader is None else text(reader)
        if acked:
            nanos, age, producer = acked
            entry.acked_nanos, entry.acked_timestamp, entry.acked_by = base + nanos, last - age, text(producer)
        return name, entry


def packed(text: str) -> bytes | str:
    """A canonical UUID as its 16 bytes, any other text as it is."""
    if len(text) == _UUID_LENGTH:
        try:
            bytes_of = bytes.fromhex(text.replace("-", ""))
        except ValueError:
            return text
        if spelt(bytes_of) == text:
            return bytes_of
    return text


def spelt(packed_text: bytes | str) -> str:
    """The text that gave these bytes."""
    if isinstance(packed_text, str):
        return packed_text
    text = packed_text.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
