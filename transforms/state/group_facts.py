"""Facts about groups and producers in a partition or topic, for FollowersView and ProducersView. Times in ms."""

from msgspec import Struct

from transforms.state.facts import ProducerAnswered


class BlockSeen(Struct, tag="block", array_like=True, gc=False):
    """There are messages in this block; `last` is the time of the newest fact that says so."""

    block: int
    last: int


class GroupRead(Struct, tag="read", array_like=True, gc=False):
    """A group read in this block from `first` to `last`, at `offset` and above; by its own clocks until `seen`."""

    group_id: str
    block: int
    offset: int
    first: int
    last: int
    seen: int


class GroupCommitted(Struct, tag="committed", array_like=True, gc=False):
    """A group committed in this block from `first` to `last`, at `offset` and above; by its own clocks until `seen`."""

    group_id: str
    block: int
    offset: int
    first: int
    last: int
    seen: int


class AckWithoutOffset(Struct, tag="ack", array_like=True, gc=False):
    """An ACK with a partition, but neither an offset nor an error."""

    id: str
    date: str
    client_id: str
    timestamp: int
    correlation_id: str | None


PartitionFact = BlockSeen | GroupRead | GroupCommitted | ProducerAnswered
TopicFact = ProducerAnswered | AckWithoutOffset
