"""Reads files of envelopes line by line, whatever is in them: bounded memory, and nothing stops what comes after."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

import orjson

from pipeline.envelope import from_line

if TYPE_CHECKING:
    import io

STDIN = "-"
_GZIP_MAGIC = b"\x1f\x8b"
#: A line longer than this is no record that Kafka would take.
MAX_LINE_BYTES = 16 * 1024 * 1024
#: Of a longer one so much is kept for its dead letter; the file has the rest.
KEPT_BYTES = 64 * 1024
#: JSON of traces shrinks to a tenth or so. What has grown by more than this, beyond so many bytes, is a bomb.
MAX_EXPANSION = 200
EXPANSION_FREE_BYTES = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
_SHOWN_BYTES = 60


class Unreadable(NamedTuple):
    """A line that could not be read, or all from here on: why, and how it begins. `reason` is one of a few words."""

    reason: str
    detail: str
    head: bytes


class _BombError(Exception):
    """A gzip file gives so much more than it is that reading on would fill memory and disk."""


def read_lines(path: str) -> Iterator[tuple[int, bytes | Unreadable]]:
    """The lines of a file, or of stdin for `-`, with their numbers from 1; gzip is recognised by its first bytes.

    A line that is too long is told as `too-large`. Where a file breaks off (`broken-file`) or is a decompression bomb
    (`too-large`) that is the last line. Blank lines are left out.
    """
    number = 1
    with open_lines(path) as lines:
        try:
            while line := lines.readline(MAX_LINE_BYTES):
                if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    size = len(line) + _skip_line(lines)
                    detail = f"a line of {size} bytes; at most {MAX_LINE_BYTES} are taken, and {KEPT_BYTES} kept here"
                    yield number, Unreadable("too-large", detail, line[:KEPT_BYTES])
                elif not line.isspace():
                    yield number, line
                number += 1
        except _BombError as bomb:
            yield number, Unreadable("too-large", str(bomb), b"")
        except (EOFError, OSError, zlib.error) as error:
            detail = f"the file cannot be read on from here: {error}"
            yield number, Unreadable("broken-file", detail, b"")


def first_fault(path: str) -> str | None:
    """Why the first line of a file, or of stdin, is no envelope, with its head; None if it is one, or there is none.

    Nothing of stdin is taken: only what lies ready is looked at. Raises OSError for a file that cannot be read.
    """
    if path == STDIN:
        head: bytes | Unreadable = cast("io.BufferedReader", sys.stdin.buffer).peek(1).partition(b"\n")[0]
    else:
        head = next((line for _, line in read_lines(path)), b"")
    if isinstance(head, Unreadable) or head.startswith(_GZIP_MAGIC) or not head.strip():
        return None
    try:
        from_line(head)
        bare = orjson.loads(head).keys().isdisjoint({"payload", "key", "headers"})
        why = "no payload, key or headers" if bare else None
    except ValueError as error:
        why = str(error)
    shown = head.strip()[:_SHOWN_BYTES].decode(errors="replace")
    return why and f"{'stdin' if path == STDIN else path} begins with {shown} ({why})"


def open_lines(path: str) -> BinaryIO:
    """The bytes of a file or of stdin, decompressed. The caller closes it."""
    stdin = cast("io.BufferedReader", sys.stdin.buffer)
    raw = stdin if path == STDIN else Path(path).open("rb")  # noqa: SIM115  closed by the caller
    if raw.peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)] == _GZIP_MAGIC:
        return cast("BinaryIO", _BoundedGzip(raw))
    return raw


def _skip_line(lines: BinaryIO) -> int:
    """Go behind the end of this line; how many bytes that were."""
    skipped = 0
    while chunk := lines.readline(_CHUNK):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped


class _BoundedGzip(gzip.GzipFile):
    """A gzip file that raises _BombError where it has grown beyond MAX_EXPANSION."""

    def __init__(self, raw: "io.BufferedReader") -> None:
        self._taken = 0
        counting = _Counting(raw, self._count)
        super().__init__(fileobj=cast("BinaryIO", counting))
        self._raw = raw
        self._given = 0

    def close(self) -> None:
        """Close the file too."""
        super().close()
        self._raw.close()

    def _count(self, size: int) -> None:
        self._taken += size

    def readline(self, size: int | None = -1) -> bytes:
        """As the file does; raises _BombError."""
        line = super().readline(size)
        self._given += len(line)
        if self._given > EXPANSION_FREE_BYTES and self._given > MAX_EXPANSION * self._taken:
            raise _BombError(
                f"{self._taken} bytes of gzip have given {self._given} so far, over {MAX_EXPANSION} times as much: not "
                "read on. If it is genuine, decompress it yourself and replay that."
            )
        return line


class _Counting:
    """A stream that tells how many bytes are read from it. What was looked at once (`peek`) is read again."""

    def __init__(self, raw: "io.BufferedReader", tell: Callable[[int], None]) -> None:
        self._raw = raw
        self._tell = tell

    def read(self, size: int = -1) -> bytes:
        """As the stream does."""
        data = self._raw.read(size)
        self._tell(len(data))
        return data
