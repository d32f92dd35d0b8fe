"""Kafka's own encoding of values, as its message formats use it.

Numbers are big-endian. Fixed versions have lengths in two or four bytes; flexible ones have varints of the length and
one, and after each structure fields with tags, which a reader that does not know them skips.
"""

import struct
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_INT16, _INT32, _INT64 = struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")
#: A varint of 32 bits has at most so many bytes.
_VARINT_BYTES = 5


class MalformedError(ValueError):
    """The bytes are not what they should be."""


class Wire:
    """Reads values from bytes, one after the other. All methods raise MalformedError where bytes are missing or wrong.

    `flexible` says in which of the two ways strings, bytes, arrays and the ends of structures are written.
    """

    __slots__ = ("_at", "_data", "flexible")

    def __init__(self, data: bytes, *, flexible: bool = False) -> None:
        self._data = data
        self._at = 0
        self.flexible = flexible

    def int16(self) -> int:
        """A number of two bytes."""
        return self._number(_INT16)

    def int32(self) -> int:
        """A number of four bytes."""
        return self._number(_INT32)

    def int64(self) -> int:
        """A number of eight bytes."""
        return self._number(_INT64)

    def varint(self) -> int:
        """An unsigned number of 32 bits, seven of them a byte."""
        value = 0
        for place in range(_VARINT_BYTES):
            (byte,) = self._take(1)
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:  # noqa: PLR2004  the highest bit says that more follow
                return value
        raise MalformedError("a varint without an end")

    def text(self) -> str:
        """A string."""
        text = self.text_or_none()
        if text is None:
            raise MalformedError("null in place of a string")
        return text

    def text_or_none(self) -> str | None:
        """A string that may be null."""
        length = self.varint() - 1 if self.flexible else self.int16()
        if length < 0:
            return None
        try:
            return self._take(length).decode()
        except UnicodeDecodeError as error:
            raise MalformedError("a string that is not UTF-8") from error

    def blob(self) -> bytes:
        """Bytes; null is none."""
        length = self.varint() - 1 if self.flexible else self.int32()
        return self._take(max(length, 0))

    def many(self, read: Callable[[], T]) -> list[T]:
        """An array of what `read` reads; null is empty. Each item has a byte at least, so bytes bound their number."""
        count = self.varint() - 1 if self.flexible else self.int32()
        if count > len(self._data) - self._at:
            raise MalformedError("an array that is longer than its bytes")
        return [read() for _ in range(count)]

    def tags(self) -> dict[int, bytes]:
        """The end of a structure: its tagged fields, encoded. Fixed versions have none."""
        if not self.flexible:
            return {}
        fields = {}
        for _ in range(self.varint()):
            tag, length = self.varint(), self.varint()
            fields[tag] = self._take(length)
        return fields

    def _number(self, form: struct.Struct) -> int:
        number: Any
        (number,) = form.unpack(self._take(form.size))
        return int(number)

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if length < 0 or end > len(self._data):
            raise MalformedError(f"{length} bytes are wanted, {len(self._data) - self._at} are left")
        taken = self._data[self._at : end]
        self._at = end
        return taken
