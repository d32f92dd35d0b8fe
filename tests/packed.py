"""What PackByKey sends, by the kind of view that gets it."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from transforms.addresses import PLACE, kind_and_key
from transforms.packs import decode


class Sent(NamedTuple):
    """One pack. `timestamp` is the element's, None for a pack that left when it was full."""

    kind: str
    key: bytes
    events: list[list[Any]]
    timestamp: Timestamp | None


def packs_of(outputs: Iterable[Any]) -> Iterator[Sent]:
    """The packs among the outputs of `_Pack`."""
    for output in outputs:
        value, timestamp = output.value, None
        if isinstance(value, WindowedValue):
            value, timestamp = value.value, value.timestamp
        key, pack = value
        kind, own_key = kind_and_key(key) if output.tag == PLACE else (output.tag, key)
        yield Sent(kind, own_key, decode(pack), timestamp)
