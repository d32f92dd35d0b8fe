"""Journal: how the view of a key survives, and how it stays in memory (docs/adr/0001).

The state of a key is a bag of segments: the packs of facts that its view took in and the times that it was told, in
order, after the snapshot they build on. A bundle appends what it took in, one round trip. When the appended bytes
outweigh the snapshot, or there are too many segments, the journal is rewritten as a snapshot: amortised, a constant
cost per fact. Snapshots are compressed.

The state cache of the worker hands the same segment objects back, so the first one carries the live view in a field
that is never encoded. Where the cache does not (restore, eviction, a runner without cache), the view is rebuilt.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Protocol

import zstandard
from apache_beam.coders import Coder

from transforms.state.beam_state import weigh_by
from transforms.state.view import BYTES_PER_FACT, Outputs, View

FORMAT = 5
MIN_REWRITE_BYTES = 256 * 1024
MAX_SEGMENTS = 1000
_FASTEST = 1
_HEAD = struct.Struct(">BQB")
_TIME = struct.Struct(">q")

#: What a segment holds: a pack of facts, an event time (ms), or a compressed snapshot.
FACTS, TIME, SNAPSHOT = 0, 1, 2


class Segment:
    """One entry of a journal: its number, its kind and its bytes. A bag promises no order, so the number gives it."""

    __slots__ = ("content", "kind", "number", "view")

    def __init__(self, number: int, kind: int, content: bytes) -> None:
        self.number = number
        self.kind = kind
        self.content = content
        self.view: JournaledView | None = None


class SegmentCoder(Coder):
    """Format version, number, kind, content. Another version is refused, never guessed at."""

    def encode(self, value: Segment) -> bytes:
        """The bytes of a segment, without the view."""
        return _HEAD.pack(FORMAT, value.number, value.kind) + value.content

    def decode(self, encoded: bytes) -> Segment:
        """The segment in these bytes. Raises ValueError for another format version."""
        version, number, kind = _HEAD.unpack_from(encoded)
        if version != FORMAT:
            raise ValueError(
                f"The saved state has format {version}, this release reads {FORMAT}: restore it with the release that "
                "wrote it, or start without it (another application.id or state.dir)."
            )
        return Segment(number, kind, encoded[_HEAD.size :])

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


class JournaledView:
    """A live view with its journal. Every change of the view is appended to the bag before it can be read."""

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
    def open(cls, bag: Bag, make_view: Callable[[], View]) -> tuple["JournaledView", bool]:
        """The view of a key, and whether it had to be rebuilt from its journal."""
        segments = iter(bag.read())
        first = next(segments, None)
        if first is None:
            return cls(make_view()), False
        if first.view is not None:
            return first.view, False
        journaled = cls(make_view())
        for segment in sorted([first, *segments], key=lambda segment: segment.number):
            journaled._replay(segment)
        journaled._attach(first)
        return journaled, True

    def on_facts(self, bag: Bag, pack: bytes) -> Outputs:
        """Let the view take in a pack of facts, and journal it."""
        outputs = self.view.on_facts(self.view.decode(pack))
        self._append(bag, Segment(self._next_number, FACTS, pack), len(pack))
        return outputs

    def on_time(self, bag: Bag, now: int) -> Outputs:
        """Tell the view that event time has reached `now` (ms), and journal that; without facts nothing is left."""
        outputs = self.view.on_time(now)
        if self.view.size():
            self._append(bag, Segment(self._next_number, TIME, _TIME.pack(now)), _TIME.size)
        else:
            bag.clear()
            self._reset()
        return outputs

    def weight(self) -> int:
        """Estimated bytes in memory of the view and of the segments that the cache keeps with it."""
        return BYTES_PER_FACT * (1 + self.view.size()) + self._held

    def rewrite(self, bag: Bag, *, is_quiet: bool = False) -> bool:
        """Replace the journal by a snapshot if it has grown enough, or the view `is_quiet`; True if it was.

        A quiet view is let go: it is rebuilt when something happens to it.
        """
        is_long = self._segments >= MAX_SEGMENTS or self._appended > max(self._snapshot, MIN_REWRITE_BYTES)
        if not self._segments or not (is_long or is_quiet):
            return False
        content = self.view.snapshot()
        bag.clear()
        snapshot = Segment(self._next_number, SNAPSHOT, zstandard.compress(content, _FASTEST))
        self._reset()
        self._is_carried = is_quiet
        self._append(bag, snapshot, len(content))
        return True

    def _replay(self, segment: Segment) -> None:
        """Do again what this segment says; what came of it came then."""
        size = len(segment.content)
        if segment.kind == SNAPSHOT:
            content = zstandard.decompress(segment.content)
            self.view.restore(content)
            size = len(content)
        elif segment.kind == TIME:
            self.view.on_time(*_TIME.unpack(segment.content))
        else:
            self.view.on_facts(self.view.decode(segment.content))
        self._count(segment, size)

    def _append(self, bag: Bag, segment: Segment, size: int) -> None:
        bag.add(segment)
        self._count(segment, size)
        if not self._is_carried:
            self._attach(segment)

    def _count(self, segment: Segment, size: int) -> None:
        """One more segment, of this size before it was compressed."""
        self._next_number = segment.number + 1
        self._segments += 1
        self._held += len(segment.content)
        if segment.kind == SNAPSHOT:
            self._snapshot = size
        else:
            self._appended += size

    def _attach(self, segment: Segment) -> None:
        """Attach this view to the segment. The view does not refer back, so eviction frees it at once."""
        self._is_carried, segment.view = True, self

    def _reset(self) -> None:
        self._is_carried, self._segments, self._appended, self._snapshot, self._held = False, 0, 0, 0, 0


def _weight(journal: list[Segment]) -> int:
    """What a cached journal weighs, in bytes: its view knows; without one it is only bytes yet."""
    view = journal[0].view
    return sum(len(segment.content) for segment in journal) if view is None else view.weight()


weigh_by(Segment, _weight)
