"""ColdStore: what waits for nothing, by name, in few bytes, until a late fact asks for it.

It must be remembered for the whole retention, and nearly all of it for nothing: as objects it fills any memory
(docs/adr/0005). Here it is a record in a chunk. A chunk holds the records of one span of event time and is forgotten as
a whole. The index is a few sorted arrays of numbers: hash of the name, chunk, offset in it. An array is merged with the
one before it unless that is much larger, so there are few. Who asks for a record takes it out.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple
from zlib import crc32

from msgspec import Struct

_HASH_BITS, _SERIAL_BITS, _OFFSET_BITS = 24, 12, 28
_PLACE_BITS = _SERIAL_BITS + _OFFSET_BITS
_PLACES = (1 << _PLACE_BITS) - 1
_OFFSETS = (1 << _OFFSET_BITS) - 1
#: A chunk's number; one more is nobody's and stands in entries of records that were taken out.
_SERIALS = range((1 << _SERIAL_BITS) - 1)
MAX_CHUNKS = len(_SERIALS) // 4
MAX_CHUNK_BYTES = _OFFSETS // 4
#: A sorted array is at least so many times larger than the next.
_RATIO = 4
#: Rough size in memory of a chunk beside what is in it.
_CHUNK_BYTES = 400
_LONG = 255
#: Stands where a record began that was taken out. No name begins so: it begins with its length.
_TAKEN = 0xFF


class ColdRecord(NamedTuple):
    """What is kept under a name. `last` is the time (ms) of its newest fact; is it `marked`, who forgets it is told.

    A name begins with its length in two bytes, so that none begins with another.
    """

    name: bytes
    content: bytes
    last: int
    marked: bool = False


class SavedChunk(Struct, array_like=True, gc=False):
    """A chunk in a snapshot."""

    newest: int
    left: int
    log: bytes
    marked: bytes


class SavedStore(Struct, array_like=True, gc=False):
    """A ColdStore in a snapshot; the arrays of the index are uint64."""

    gone: list[int]
    filling: dict[int, int]
    chunks: dict[int, SavedChunk]
    index: list[bytes]


class _Chunk:
    """Records one after the other, each after its length. `newest` is the latest fact (ms) of all."""

    __slots__ = ("left", "log", "marked", "newest")

    def __init__(self, newest: int, left: int = 0, log: bytes = b"", marked: bytes = b"") -> None:
        self.newest = newest
        self.left = left
        self.log = bytearray(log)
        #: Where the marked records are.
        self.marked = array("I", marked)

    def append(self, record: bytes) -> int:
        """Add a record; its offset."""
        offset, length = len(self.log), len(record)
        self.log += bytes((length,)) if length < _LONG else bytes((_LONG,)) + length.to_bytes(4, "little")
        self.log += record
        return offset

    def bounds(self, offset: int) -> tuple[int, int]:
        """Start and end of the record at this offset."""
        start, length = offset + 1, self.log[offset]
        if length == _LONG:
            start, length = offset + 5, int.from_bytes(self.log[offset + 1 : offset + 5], "little")
        return start, start + length

    def records(self, offsets: Iterable[int] | None = None) -> Iterator[bytes]:
        """The records at these offsets (all: None) that are still there."""
        for offset in self._offsets() if offsets is None else offsets:
            start, end = self.bounds(offset)
            if self.log[start] != _TAKEN:
                yield bytes(self.log[start:end])

    def _offsets(self) -> Iterator[int]:
        offset = 0
        while offset < len(self.log):
            yield offset
            offset = self.bounds(offset)[1]


class ColdStore:
    """See the head of this file. `span` (ms) is the event time of one chunk."""

    def __init__(self, span: int) -> None:
        self._span = span
        self._chunks: dict[int, _Chunk] = {}
        #: Numbers of chunks that are gone, to which the index may still refer.
        self._gone: set[int] = set()
        #: Per span the chunk that takes its records.
        self._filling: dict[int, int] = {}
        self._index: list[array[int]] = []
        self._bytes = 0

    def __len__(self) -> int:
        return sum(chunk.left for chunk in self._chunks.values())

    def weight(self) -> int:
        """Bytes in memory; 0 if and only if it is empty."""
        return self._bytes

    def oldest(self) -> int | None:
        """The time (ms) of the last fact of the chunk that is forgotten first."""
        return min((chunk.newest for chunk in self._chunks.values()), default=None)

    def add(self, records: Iterable[ColdRecord]) -> None:
        """Take in records under names that are not here yet."""
        entries = []
        for record in records:
            serial = self._chunk_for(record.last)
            chunk = self._chunks[serial]
            offset = chunk.append(record.name + record.content)
            chunk.newest = max(chunk.newest, record.last)
            chunk.left += 1
            if record.marked:
                chunk.marked.append(offset)
            entries.append(_hash_of(record.name) << _PLACE_BITS | serial << _OFFSET_BITS | offset)
        if entries:
            self._index.append(array("Q", sorted(entries)))
            self._merge()

    def pop(self, name: bytes) -> bytes | None:
        """Take out what is under this name, after the name; None if it is not here."""
        lowest = _hash_of(name) << _PLACE_BITS
        for run in self._index:
            place = bisect_left(run, lowest)
            while place < len(run) and (entry := run[place]) - lowest <= _PLACES:
                record = self._take(entry, name)
                if record is not None:
                    run[place] = lowest | _PLACES
                    return record
                place += 1
        return None

    def expire(self, before: int) -> Iterator[bytes]:
        """Forget the chunks without a fact after this time (ms); gives their marked records."""
        for serial in [serial for serial, chunk in self._chunks.items() if chunk.newest <= before]:
            chunk = self._drop(serial)
            yield from chunk.records(chunk.marked)

    def drop_oldest(self) -> Iterator[bytes]:
        """Forget the chunk that would be forgotten first; gives all its records."""
        serial = min(self._chunks, key=lambda serial: self._chunks[serial].newest)
        return self._drop(serial).records()

    def snapshot(self) -> SavedStore:
        """All of it."""
        chunks = {
            serial: SavedChunk(chunk.newest, chunk.left, bytes(chunk.log), chunk.marked.tobytes())
            for serial, chunk in self._chunks.items()
        }
        return SavedStore(list(self._gone), self._filling, chunks, [run.tobytes() for run in self._index])

    def restore(self, saved: SavedStore) -> None:
        """Be what a snapshot says. No record is decoded."""
        self._gone, self._filling = set(saved.gone), dict(saved.filling)
        self._chunks = {
            serial: _Chunk(chunk.newest, chunk.left, chunk.log, chunk.marked) for serial, chunk in saved.chunks.items()
        }
        self._index = [array("Q", run) for run in saved.index]
        self._weigh()

    def _take(self, entry: int, name: bytes) -> bytes | None:
        serial, offset = (entry & _PLACES) >> _OFFSET_BITS, entry & _OFFSETS
        chunk = self._chunks.get(serial)
        if chunk is None:
            return None
        start, end = chunk.bounds(offset)
        if not chunk.log.startswith(name, start, end):
            return None
        record = bytes(chunk.log[start:end])
        chunk.log[start] = _TAKEN
        chunk.left -= 1
        if not chunk.left:
            self._drop(serial)
        return record

    def _chunk_for(self, last: int) -> int:
        """The serial number of the chunk for a record whose last fact is at this time (ms)."""
        span = last // self._span
        serial = self._filling.get(span)
        if serial is not None and len(self._chunks[serial].log) <= MAX_CHUNK_BYTES:
            return serial
        if len(self._chunks) >= MAX_CHUNKS:
            return next(reversed(self._chunks))
        if len(self._gone) >= MAX_CHUNKS:
            self._merge(everything=True)
        serial = next(number for number in _SERIALS if number not in self._chunks and number not in self._gone)
        self._filling[span] = serial
        self._chunks[serial] = _Chunk(last)
        return serial

    def _drop(self, serial: int) -> _Chunk:
        chunk = self._chunks.pop(serial)
        self._filling = {span: filled for span, filled in self._filling.items() if filled != serial}
        self._gone.add(serial)
        if not self._chunks:
            self._index, self._gone = [], set()
        self._weigh()
        return chunk

    def _merge(self, *, everything: bool = False) -> None:
        """Merge the last arrays of the index; entries without a chunk go."""
        first = len(self._index) - 1
        size = len(self._index[first]) if self._index else 0
        while first > 0 and (everything or len(self._index[first - 1]) < _RATIO * size):
            first -= 1
            size += len(self._index[first])
        if first >= 0 and (everything or first < len(self._index) - 1):
            chunks = self._chunks
            entries = chain.from_iterable(self._index[first:])
            kept = [entry for entry in entries if (entry & _PLACES) >> _OFFSET_BITS in chunks]
            kept.sort()
            self._index[first:] = [array("Q", kept)]
            if not first:
                self._gone = set()
        self._weigh()

    def _weigh(self) -> None:
        logs = sum(len(chunk.log) + 4 * len(chunk.marked) + _CHUNK_BYTES for chunk in self._chunks.values())
        self._bytes = logs + 8 * sum(map(len, self._index))


def _hash_of(name: bytes) -> int:
    return crc32(name) >> (32 - _HASH_BITS)
