"""What a reader of Kafka remembers: for each of its partitions the next offset and the event time that it promised."""

from collections.abc import Sequence

from msgspec import Struct, msgpack

from pipeline.io.topics_to_read import Partition
from transforms.observe.consumer_offsets import CONSUMER_OFFSETS

#: Offsets to be asked for: where the group stands, or the beginning of the partition.
GROUPS_OFFSET, BEGINNING = -1, -2


class Listed(Struct, array_like=True, frozen=True):
    """A partition to read. `topic_id` changes when the topic is made anew; it is empty where brokers have none.

    What does not belong to the tracing topic gives links by its headers, or is observed, or both; or it is one of
    `__consumer_offsets`, and neither.
    """

    topic: str
    partition: int
    topic_id: str
    is_tracing: bool
    has_append_time: bool
    has_links: bool = True
    is_observed: bool = False


class Progress(Struct, array_like=True):
    """How far a partition was read: the next offset, or where to ask for it; and its promise, in ms of event time."""

    listed: Listed
    offset: int
    promised_ms: int = 0
    is_read: bool = True

    @property
    def place(self) -> Partition:
        """Topic and number."""
        return self.listed.topic, self.listed.partition


_LISTING = msgpack.Decoder(list[Listed])
_STATE = msgpack.Decoder(list[Progress])


def encode(entries: Sequence[Listed] | Sequence[Progress]) -> bytes:
    """A listing or a state as bytes."""
    return msgpack.encode(entries)


def listing_of(encoded: bytes) -> list[Listed]:
    """The listing in these bytes."""
    return _LISTING.decode(encoded)


def state_of(encoded: bytes) -> list[Progress]:
    """The state in these bytes."""
    return _STATE.decode(encoded)


def merged(state: Sequence[Progress] | None, listing: Sequence[Listed]) -> list[Progress]:
    """The state after a look at the brokers; `state` is None before the first one.

    What is new on a later look came into being meanwhile, so it is read from its beginning, as is a topic that was
    made anew, and `__consumer_offsets`: it is compacted, and nobody commits how far we read it. What is missing is not
    read, and remembered: a broker may have it again.
    """
    known = {progress.place: progress for progress in state or ()}
    seen = []
    for listed in listing:
        old = known.pop((listed.topic, listed.partition), None)
        if old is None:
            goes_on = state is None and listed.topic != CONSUMER_OFFSETS
            seen.append(Progress(listed, GROUPS_OFFSET if goes_on else BEGINNING))
        elif listed.topic_id and old.listed.topic_id and listed.topic_id != old.listed.topic_id:
            seen.append(Progress(listed, BEGINNING, old.promised_ms))
        else:
            seen.append(Progress(listed, old.offset, old.promised_ms))
    gone = [Progress(old.listed, old.offset, old.promised_ms, is_read=False) for old in known.values()]
    return seen + gone
