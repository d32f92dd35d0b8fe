"""What is asked about: a correlationId, or a position in a topic."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

#: As we write it, and as Kafka's own clients do.
_PLACES = tuple(
    re.compile(pattern, re.ASCII) for pattern in (r"([A-Za-z0-9._-]+)/(\d+)/(\d+)", r"([A-Za-z0-9._-]+)-(\d+)@(\d+)")
)


class Place(NamedTuple):
    """Where a message lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Subject(NamedTuple):
    """What the user typed, and the position that it names, if it looks like one.

    `is_followed`: what else bears the correlationId found there belongs to it too.
    """

    text: str
    place: Place | None
    is_followed: bool = True


def subject_of(text: str) -> Subject:
    """`TOPIC/PARTITION/OFFSET`, `TOPIC-PARTITION@OFFSET`, or any correlationId."""
    match = next(filter(None, (pattern.fullmatch(text) for pattern in _PLACES)), None)
    return Subject(text, Place(match[1], int(match[2]), int(match[3])) if match else None)


def place_of(value: Mapping[str, Any]) -> Place | None:
    """The position that a record or finding names; None if it names none, or -1."""
    partition, offset = value.get("partition", -1), value.get("offset", -1)
    return Place(value["topic"], partition, offset) if partition >= 0 and offset >= 0 else None
