"""Facts for the statistics of a window or of a pair of clients: what one source says, in place of what it said before.

`newest` is the Kafka timestamp (ms) of the newest fact that is counted; 0: what is said has no time, and is written at
once. `sequence` rises with each fact of its source, since Beam promises no order between what one step sends to
another.
"""

from typing import NamedTuple

from msgspec import Struct, field

from transforms.state.facts import Ended
from transforms.stats.latency_sketch import LatencySketch

#: What distinguishes the source of a fact from all others.
Source = tuple[str | int | None, ...]


class BlockPlace(NamedTuple):
    """A block of the topic of the window."""

    partition: int
    block: int


# Tallies: what one source adds to a window, in sum. An empty one adds nothing. --------------------------------------


class TopicTally(Struct, array_like=True, gc=False):
    """The messages of a block, whoever reads them; `span` are its lowest and its highest offset."""

    produced: int = 0
    sent: int = 0
    acked: int = 0
    unknown_produce_time: int = 0
    traced: int = 0
    span: tuple[int, int] | None = None
    ack: LatencySketch = field(default_factory=LatencySketch)


class GroupTally(Struct, array_like=True, gc=False):
    """What a group made of the messages of a block. `commits_seen` is 1 if it was seen committing there, else 0."""

    expected: int = 0
    actual: int = 0
    over: int = 0
    under: int = 0
    committed: int = 0
    sla_breaches: int = 0
    commits_seen: int = 0
    consume: LatencySketch = field(default_factory=LatencySketch)
    commit: LatencySketch = field(default_factory=LatencySketch)


class EdgeTally(Struct, array_like=True, gc=False):
    """The hops that one shard knows of; of `ambiguous` ones it is a guess that the group sent them."""

    count: int = 0
    ambiguous: int = 0
    residence: LatencySketch = field(default_factory=LatencySketch)
    from_origin: LatencySketch = field(default_factory=LatencySketch)


# Facts. A tally that is None withdraws the former one. --------------------------------------------------------------


class TopicTallied(Struct, tag="topic", array_like=True, gc=False):
    """A block about its messages."""

    place: BlockPlace
    tally: TopicTally | None
    newest: int
    sequence: int

    @property
    def source(self) -> Source:
        """Who says this, about what."""
        return "topic", *self.place


class GroupTallied(Struct, tag="group", array_like=True, gc=False):
    """A block about a group."""

    place: BlockPlace
    group_id: str
    tally: GroupTally | None
    newest: int
    sequence: int

    @property
    def source(self) -> Source:
        """Who says this, about what."""
        return "group", *self.place, self.group_id


class EdgeTallied(Struct, tag="edge", array_like=True, gc=False):
    """A shard about the hops from another topic into this one, by a group."""

    shard: str
    from_topic: str
    group_id: str
    tally: EdgeTally | None
    newest: int
    sequence: int

    @property
    def source(self) -> Source:
        """Who says this, about what."""
        return "edge", self.shard, self.from_topic, self.group_id


class FindingsCounted(Struct, tag="findings", array_like=True, gc=False):
    """How many findings of a reason (and of a group, where it has one) are open now."""

    reason: str
    group_id: str | None
    count: int
    newest: int
    sequence: int

    @property
    def source(self) -> Source:
        """Who says this, about what."""
        return "findings", self.reason, self.group_id


class ClockBound(Struct, tag="bound", array_like=True, gc=False):
    """The clock of client `of` is at most `ms` ahead of that of client `over`; None withdraws the former bound."""

    block: str
    of: str
    over: str
    ms: int | None
    newest: int
    sequence: int

    @property
    def source(self) -> Source:
        """Who says this, about what."""
        return "bound", self.block, self.of, self.over


WindowFact = TopicTallied | GroupTallied | EdgeTallied | FindingsCounted
StatsFact = WindowFact | ClockBound | Ended
