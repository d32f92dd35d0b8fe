"""Columns of a snapshot in few bytes, before they are compressed."""

import re
from collections.abc import Sequence

import numpy as np

from transforms.state.facts import Int64s

_UUID_LENGTH, _UUID_BYTES = 36, 16
_UUIDS = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})*", re.ASCII)

#: The ids, or the 16 bytes of each if all of them are UUIDs.
PackedIds = bytes | list[str | None]


def pack_numbers(numbers: Int64s) -> bytes:
    """The first bytes of all, then the second ones, and so on: of small numbers, or of rising ones, these are alike."""
    return np.diff(numbers, prepend=0).astype("<i8").view(np.uint8).reshape(-1, 8).T.tobytes()


def unpack_numbers(packed: bytes) -> Int64s:
    """The numbers that gave these bytes."""
    planes = np.frombuffer(packed, np.uint8).reshape(8, -1)
    numbers: Int64s = np.cumsum(np.ascontiguousarray(planes.T).view("<i8").ravel())
    return numbers


def pack_ids(ids: Sequence[str | None]) -> PackedIds:
    """The ids in as few bytes as they allow. An id in a column may be None."""
    if all(identity is not None and len(identity) == _UUID_LENGTH for identity in ids):
        joined = "".join(identity for identity in ids if identity is not None)
        if _UUIDS.fullmatch(joined):
            return bytes.fromhex(joined.replace("-", ""))
    return list(ids)


def unpack_ids(packed: PackedIds) -> list[str | None]:
    """The ids that gave these."""
    if isinstance(packed, list):
        return list(packed)
    texts = [packed[start : start + _UUID_BYTES].hex() for start in range(0, len(packed), _UUID_BYTES)]
    return [f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" for text in texts]
