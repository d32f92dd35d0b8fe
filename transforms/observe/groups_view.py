"""GroupsView: the members of one group, told to the partitions in which it commits, or which are its members'.

In: what `__consumer_offsets` says of the group. Out: how many members it has, for the view of each such partition, each
time that this changes, and for a partition that comes later. A group without members is forgotten when nothing was
heard of it for `retention`.
"""

from msgspec import Struct, msgpack

from transforms.observe.observe_facts import (
    ClassicMembers,
    CommitsThere,
    EpochBegan,
    GroupFact,
    MemberChanged,
    MembersCounted,
)
from transforms.state.addresses import OBSERVE, partition_key
from transforms.state.facts import Ended
from transforms.state.view import Outputs
from transforms.state.waits import Waits, deadline_after

_Place = tuple[str, int]


class _Snapshot(Struct, array_like=True, gc=False):
    classic: int
    members: list[str]
    generation: int
    sequence: int
    newest: int
    is_known: bool
    places: list[_Place]


_save = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


class GroupsView:
    """See the head of this file. `key` is the id of the group."""

    decode = staticmethod(msgpack.Decoder(list[GroupFact]).decode)

    def __init__(self, key: bytes, waits: Waits) -> None:
        self._group = key.decode()
        self._waits = waits
        self._begin()

    def _begin(self) -> None:
        """Know nothing."""
        self._classic = 0
        self._members: dict[str, None] = {}
        self._generation = -1
        #: Of the newest record that says something of members, and the time of the newest record at all.
        self._sequence = -1
        self._newest = 0
        #: Whether anything was said of members.
        self._is_known = False
        self._places: dict[_Place, None] = {}

    def on_facts(self, facts: list[GroupFact]) -> Outputs:
        """Take in facts; they come in order."""
        outputs, told = Outputs(), (self._count(), self._generation)
        former = set(self._places)
        for fact in facts:
            if not isinstance(fact, Ended):
                self._newest = max(self._newest, fact.at)
                self._take(fact)
        if self._is_known:
            is_changed = told != (self._count(), self._generation)
            self._tell([place for place in self._places if is_changed or place not in former], outputs)
        return outputs

    def _take(self, fact: ClassicMembers | MemberChanged | EpochBegan | CommitsThere) -> None:
        if isinstance(fact, CommitsThere):
            self._places[fact.topic, fact.partition] = None
            return
        if fact.sequence <= self._sequence:
            return
        self._sequence, self._is_known = fact.sequence, True
        if isinstance(fact, ClassicMembers):
            self._classic, self._generation = fact.members, fact.generation
            self._places |= dict.fromkeys(fact.places)
        elif isinstance(fact, EpochBegan):
            self._generation = fact.epoch
        elif fact.is_there:
            self._members[fact.member_id] = None
        else:
            self._members.pop(fact.member_id, None)

    def _count(self) -> int:
        return self._classic + len(self._members)

    def _tell(self, places: list[_Place], outputs: Outputs) -> None:
        counted = MembersCounted(self._group, self._count(), self._generation, self._sequence)
        outputs.facts += [(OBSERVE, partition_key(*place), self._newest, counted) for place in places]

    def on_time(self, now: int) -> Outputs:
        """Forget the group if nothing was heard of it."""
        due = self.deadline()
        if due is not None and due <= now:
            self._begin()
        return Outputs()

    def deadline(self) -> int | None:
        """When it is forgotten."""
        return None if self._count() or not self.size() else deadline_after(self._newest, self._waits.retention)

    def size(self) -> int:
        """Its size, in facts of BYTES_PER_FACT; 0 when it is new or forgotten."""
        return 1 + (len(self._places) + len(self._members)) // 4 if self._newest else 0

    def snapshot(self) -> bytes:
        """All of it."""
        return _save(
            _Snapshot(
                self._classic, list(self._members), self._generation, self._sequence, self._newest, self._is_known,
                list(self._places),
            )
        )  # fmt: skip

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        self._classic, self._members = saved.classic, dict.fromkeys(saved.members)
        self._generation, self._sequence, self._newest = saved.generation, saved.sequence, saved.newest
        self._is_known, self._places = saved.is_known, dict.fromkeys(saved.places)
