"""What FindingsView knows of one minute: findings with a record of their own, and what is said of all others."""

from typing import Any, NamedTuple

import orjson

from transforms.input.dates import nanos_of

MAX_EXAMPLES = 5
_EXAMPLE_FIELDS = ("id", "partition", "offset", "correlationId")


class Single(NamedTuple):
    """What was told last of a finding that has a record of its own, and how often it began to hold."""

    record: bytes
    is_open: bool
    found: int


class Summary:
    """What is said of the findings that are not single: those that are open, and what was seen of all of them."""

    def __init__(self) -> None:
        #: Hashes of the ids that are open.
        self.open: set[bytes] = set()
        self.found = 0
        #: The earliest and the latest date, each with its nanoseconds.
        self.first: tuple[int, str] | None = None
        self.last: tuple[int, str] | None = None
        #: Of those that are open the lowest ids.
        self.examples: dict[str, dict[str, Any]] = {}
        self.is_written = True

    def add(self, hashed: bytes, value: dict[str, Any]) -> None:
        """A finding holds, maybe one that held before."""
        self.is_written = False
        if hashed not in self.open:
            self.open.add(hashed)
            self.found += 1
        if "date" in value:
            dated = nanos_of(value["date"]), value["date"]
            self.first = dated if self.first is None else min(self.first, dated)
            self.last = dated if self.last is None else max(self.last, dated)
        self.examples[value["id"]] = {name: value[name] for name in _EXAMPLE_FIELDS if name in value}
        if len(self.examples) > MAX_EXAMPLES:
            del self.examples[max(self.examples)]

    def take_over(self, hashed: bytes, single: Single) -> None:
        """A single that gives way."""
        value = orjson.loads(single.record)
        self.add(hashed, value)
        self.found += single.found - 1
        if not single.is_open:
            self.close(hashed, value["id"])

    def close(self, hashed: bytes, identity: str) -> None:
        """A finding holds no longer."""
        self.is_written = False
        self.open.remove(hashed)
        self.examples.pop(identity, None)
