"""Facts about observed partitions and groups, as they lie in packs and journals. Times are in ms.

`sequence` is the offset in `__consumer_offsets` of the record that says so. All records of a group lie in one partition
of it, so it is the order in which the coordinator of the group saw things happen.
"""

from msgspec import Struct

from transforms.state.facts import Ended


class Positions(Struct, tag="positions", array_like=True, gc=False):
    """Records of the partition, which was read up to `next_offset` at `read_ms`; perhaps none.

    `offsets` and `times` are int64. `minutes` says of each minute that has records of these its start, and how many
    they are, their bytes, how many have a correlationId, and of how many the broker gave the time.
    """

    offsets: bytes
    times: bytes
    next_offset: int
    read_ms: int
    minutes: list[tuple[int, int, int, int, int]]


class Committed(Struct, tag="commit", array_like=True, gc=False):
    """A group's next offset in the partition, committed at `at`; None: the group has none any more."""

    group_id: str
    offset: int | None
    at: int
    sequence: int


class MembersCounted(Struct, tag="members", array_like=True, gc=False):
    """How many members a group has, in which generation (consumer protocol: epoch)."""

    group_id: str
    members: int
    generation: int
    sequence: int


class ClassicMembers(Struct, tag="classic", array_like=True, gc=False):
    """How many members a group of the classic protocol has, all of them, and which partitions are theirs."""

    members: int
    generation: int
    places: list[tuple[str, int]]
    at: int
    sequence: int


class MemberChanged(Struct, tag="member", array_like=True, gc=False):
    """A member of a group of the consumer protocol is there, or gone."""

    member_id: str
    is_there: bool
    at: int
    sequence: int


class EpochBegan(Struct, tag="epoch", array_like=True, gc=False):
    """A group of the consumer protocol has this epoch."""

    epoch: int
    at: int
    sequence: int


class CommitsThere(Struct, tag="place", array_like=True, gc=False):
    """The group commits in this partition."""

    topic: str
    partition: int
    at: int
    sequence: int


PartitionFact = Positions | Committed | MembersCounted | Ended
GroupFact = ClassicMembers | MemberChanged | EpochBegan | CommitsThere | Ended
