"""The one envelope for input that could not be used: nothing stops the job, nothing is lost.

In: the record as it came, and why it was refused. Out: keys and values for the dead letter topic.
"""

from base64 import b64encode
from typing import NamedTuple

from transforms.input.json_bytes import dump
from transforms.input.records import KafkaRecord, KeyValue

#: Original bytes in one dead letter. Base64 makes 4/3 of them, and a broker takes 1 MiB by default.
PART_BYTES = 512 * 1024


class DeadLetter(NamedTuple):
    """A refused record. `reason` is one of a few words to count by, `detail` says it to a person."""

    record: KafkaRecord
    reason: str
    detail: str


def to_key_values(letter: DeadLetter) -> list[KeyValue]:
    """The records for the dead letter topic: one, or numbered parts where the original is larger than `PART_BYTES`.

    Key: the source position. Value: reason, detail, source topic, partition, offset and timestamp (ms), and the
    original key and value in base64 (null where the original was null).
    """
    record = letter.record
    key, value = record.key, record.value
    parts = max(1, -(-(len(key or b"") + len(value or b"")) // PART_BYTES))
    records: list[KeyValue] = []
    source = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    for part in range(parts):
        piece = slice(part * PART_BYTES, (part + 1) * PART_BYTES)
        whole = {"key": key, "value": value} if parts == 1 else _pieces(key, value, piece)
        envelope = {
            "id": f"{record.topic}/{record.partition}/{record.offset}" + (f"/{part + 1}" if parts > 1 else ""),
            "reason": letter.reason,
            "detail": letter.detail,
            **source,
            "timestamp": record.timestamp,
            **{name: None if data is None else b64encode(data).decode("ascii") for name, data in whole.items()},
        }
        if parts > 1:
            envelope |= {"part": part + 1, "parts": parts}
        records.append((dump(source), dump(envelope)))
    return records


def _pieces(key: bytes | None, value: bytes | None, piece: slice) -> dict[str, bytes | None]:
    """The part of key and value, laid end to end, that falls into this piece."""
    key_length = len(key or b"")
    value_start, value_stop = max(0, piece.start - key_length), max(0, piece.stop - key_length)
    return {
        "key": None if key is None else key[piece],
        "value": None if value is None else value[value_start:value_stop],
    }
