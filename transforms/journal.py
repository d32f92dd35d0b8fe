"""Journal: how the view of a key survives, and how it stays in memory (docs/adr/0001).

The state of a key is a bag of segments: the packs that its view absorbed, in order, after the snapshot they build on.
A bundle appends what it absorbed, one round trip. When the appended bytes outweigh the snapshot, or there are too many
segments, the journal is rewritten as a snapshot: amortised, a constant cost per event. Snapshots are compressed.

The state cache of the worker hands the same segment objects back, so the first one carries the live view in a field
that is never encoded. Where the cache does not (restore, eviction, a runner without cache), the view is replayed.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Protocol

import zstandard
from apache_beam.coders import Coder

from transforms.beam_state import weigh_by
from transforms.packs import decode, encode
from transforms.view import BYTES_PER_FACT, EXPIRED, Outputs, View

FORMAT = 4
MIN_REWRITE_BYTES = 64 * 1024
MAX_SEGMENTS = 1000
_FASTEST = 1
_HEAD = struct.Struct(">BQ?")


class Segment:
    """One pack of a journal: its number and its bytes. A bag promises no order, so the number gives it."""

    __slots__ = ("is_snapshot", "ledger", "number", "pack")

    def __init__(self, number: int, pack: bytes, *, is_snapshot: bool = False) -> None:
        self.number = number
        self.pack = pack
        self.is_snapshot = is_snapshot
        self.ledger: Ledger | None = None


class SegmentCoder(Coder):
    """Format version, number, is it a snapshot, pack. Another version is refused, never guessed at."""

    def encode(self, value: Segment) -> bytes:
        """The bytes of a segment, without the view."""
        return _HEAD.pack(FORMAT, value.number, value.is_snapshot) + value.pack

    def decode(self, encoded: bytes) -> Segment:
        """The segment in these bytes. Raises ValueError for another format version."""
        version, number, is_snapshot = _HEAD.unpack_from(encoded)
        if version != FORMAT:
            raise ValueError(
                f"The saved state has format {version}, this release reads {FORMAT}: restore it with the release that "
                "wrote it, or start without it (another application.id or state.dir)."
            )
        return Segment(number, encoded[_HEAD.size :], is_snapshot=is_snapshot)

    def is_deterministic(self) -> bool:
        """Equal segments have equal bytes."""
        return True


class Bag(Protocol):
    """The part of Beam's BagState that a journal needs."""

    def read(self) -> Iterable[Segment]:
        """All segments."""

    def add(self, value: Segment) -> None:
        """Append one."""

    def clear(self) -> None:
        """Remove all."""


class Ledger:
    """A live view with its journal: whatever changes the view is written to the bag first of all readers."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.armed: int | None = None
        self._next_number = 0
        self._segments = 0
        self._appended = 0
        self._snapshot = 0
        self._held = 0
        self._is_carried = False

    @classmethod
    def open(cls, bag: Bag, make_view: Callable[[], View]) -> tuple["Ledger", bool]:
        """The ledger of a key, and whether it had to be rebuilt from a journal."""
        segments = iter(bag.read())
        first = next(segments, None)
        if first is None:
            return cls(make_view()), False
        if first.ledger is not None:
            return first.ledger, False
        ledger = cls(make_view())
        for segment in sorted([first, *segments], key=lambda segment: segment.number):
            pack = zstandard.decompress(segment.pack) if segment.is_snapshot else segment.pack
            ledger.view.apply(decode(pack))
            ledger._count(segment, len(pack))
        ledger._carried_by(first)
        return ledger, True

    def absorb(self, bag: Bag, pack: bytes) -> Outputs:
        """Apply a pack and journal it."""
        outputs = self.view.apply(decode(pack))
        self._append(bag, Segment(self._next_number, pack), len(pack))
        return outputs

    def expire(self, bag: Bag, now: int) -> Outputs:
        """Let the view expire up to `now` (ms) and journal that it did; a journal without facts is cleared."""
        outputs = self.view.apply([[EXPIRED, now]])
        if self.view.facts():
            pack = encode([(EXPIRED, now)])
            self._append(bag, Segment(self._next_number, pack), len(pack))
        else:
            bag.clear()
            self._reset()
        return outputs

    def weight(self) -> int:
        """Estimated bytes in memory of the view and of the segments that the cache keeps with it."""
        return BYTES_PER_FACT * (1 + self.view.facts()) + self._held

    def rewrite(self, bag: Bag) -> bool:
        """Replace the journal by a snapshot if it has grown enough; True if it was."""
        if self._segments < MAX_SEGMENTS and self._appended <= max(self._snapshot, MIN_REWRITE_BYTES):
            return False
        pack = encode(self.view.snapshot())
        snapshot = Segment(self._next_number, zstandard.compress(pack, _FASTEST), is_snapshot=True)
        bag.clear()
        self._reset()
        self._append(bag, snapshot, len(pack))
        return True

    def _append(self, bag: Bag, segment: Segment, size: int) -> None:
        bag.add(segment)
        self._count(segment, size)
        if not self._is_carried:
            self._carried_by(segment)

    def _count(self, segment: Segment, size: int) -> None:
        """One more segment, of this size before it was compressed."""
        self._next_number = segment.number + 1
        self._segments += 1
        self._held += len(segment.pack)
        if segment.is_snapshot:
            self._snapshot = size
        else:
            self._appended += size

    def _carried_by(self, segment: Segment) -> None:
        """Ride on this segment. No reference leads back: an evicted view is freed at once, without the collector."""
        self._is_carried, segment.ledger = True, self

    def _reset(self) -> None:
        self._is_carried, self._segments, self._appended, self._snapshot, self._held = False, 0, 0, 0, 0


def _weight(journal: list[Segment]) -> int:
    """What a cached journal weighs, in bytes: its ledger knows; without one it is only bytes yet."""
    ledger = journal[0].ledger
    return sum(len(segment.pack) for segment in journal) if ledger is None else ledger.weight()


weigh_by(Segment, _weight)
