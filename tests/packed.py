"""What PackByKey sends, by the kind of view that gets it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from transforms.join.block_view import BlockView
from transforms.locate.commits_view import CommitsView
from transforms.locate.followers_view import FollowersView
from transforms.locate.producers_view import ProducersView
from transforms.locate.sends_view import SendsView
from transforms.state.addresses import FOLLOW, JOIN, LOCATE, ORDER, PLACE, PRODUCE, kind_and_key

#: How each kind of view reads its packs.
DECODE: dict[str, Callable[[bytes], list[Any]]] = {
    LOCATE: SendsView.decode,
    ORDER: CommitsView.decode,
    FOLLOW: FollowersView.decode,
    PRODUCE: ProducersView.decode,
    JOIN: BlockView.decode,
}


class Sent(NamedTuple):
    """One pack. `timestamp` is the element's, None for a pack that left when it was full."""

    kind: str
    key: bytes
    facts: list[Any]
    timestamp: Timestamp | None


def packs_of(outputs: Iterable[Any]) -> Iterator[Sent]:
    """The packs among the outputs of `_Pack`."""
    for output in outputs:
        value, timestamp = output.value, None
        if isinstance(value, WindowedValue):
            value, timestamp = value.value, value.timestamp
        key, pack = value
        kind, own_key = kind_and_key(key) if output.tag == PLACE else (output.tag, key)
        yield Sent(kind, own_key, DECODE[kind](pack), timestamp)
