"""What CommitsView is told and keeps: the commits of one group in one partition, and where the group reads."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from transforms.input.dates import date_of_nanos
from transforms.input.traces import Commit as RawCommit
from transforms.state.facts import CommitUpTo, RawColumns


class RawCommits(RawColumns, tag="commits", kw_only=True):
    """COMMITs, an item for each."""

    offsets: list[int]

    @classmethod
    def of(cls, commits: Sequence[RawCommit]) -> "RawCommits":
        """The columns of these COMMITs."""
        return cls.of_traces(commits, offsets=[commit.offset for commit in commits])


class ReadInterval(Struct, tag="reads", array_like=True, gc=False):
    """Deliveries of the group in one block, as one interval of offsets and of dates (ns), both ends included.

    `settled_nanos` is the date of a commit that settled them all, `timestamp` the Kafka timestamp (ms) of the newest.
    """

    block: int
    low: int
    high: int
    first_nanos: int
    last_nanos: int
    timestamp: int
    settled_nanos: int | None = None

    def merge(self, news: "ReadInterval") -> "ReadInterval":
        """Both together; news may be unsettled."""
        return ReadInterval(
            self.block,
            min(self.low, news.low),
            max(self.high, news.high),
            min(self.first_nanos, news.first_nanos),
            max(self.last_nanos, news.last_nanos),
            max(self.timestamp, news.timestamp),
        )


OrderFact = RawCommits | ReadInterval


class OrderedCommit(Struct, array_like=True):
    """A commit and its place in the sequence.

    `sent_to` are the blocks that know it, None until its reorder wait is over. `version` is how often its own block was
    told anew. `findings` are those that hold, with the offset of the commit before.
    """

    offset: int
    id: str
    nanos: int
    digits: int
    client_id: str
    timestamp: int
    extra: dict[str, Any] | None
    sent_to: list[int] | None = None
    repeated: bool = False
    version: int = 0
    findings: dict[str, int | None] = {}

    @property
    def date(self) -> str:
        """The date as it came."""
        return date_of_nanos(self.nanos, self.digits)

    @property
    def order(self) -> tuple[int, int, str]:
        """By date, then offset: of two in one instant the group came from the lower one."""
        return self.nanos, self.offset, self.id

    def told_to(self, group: str, *, is_home: bool) -> CommitUpTo:
        """The commit as a block takes it; `is_home` is the block of its own offset."""
        return CommitUpTo(
            self.offset, self.id, self.nanos, self.digits, self.client_id, self.timestamp, group, self.extra,
            self.repeated, is_home, self.version,
        )  # fmt: skip
