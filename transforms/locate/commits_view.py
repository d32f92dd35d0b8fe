"""CommitsView: the commit sequence of one group in one partition (a view of PlaceFacts).

In: COMMITs, and which blocks the group reads. Out: each commit, once its reorder wait is over, to every block where it
can settle a delivery; `rewound` and `gap` findings; a commit at the start of the partition (offset -1) as it is.

Sending a commit to a block too many does no harm, since the block decides by date and offset alone. One that is dated
a little before a delivery goes there too: by another member's clock it may have come after it. What is decided here is
the sequence: which commit repeats the one before it, or goes back behind it (CommitSequence). The block of its own
offset is always told, since it writes the record that bears the commit's own id.
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from msgspec import Struct, msgpack

from transforms.findings.findings import EVICTED, GAP, REWOUND, finding
from transforms.input.dates import NANOS_PER_MILLI
from transforms.input.records import COMMIT, UNKNOWN
from transforms.locate.commit_facts import OrderedCommit, OrderFact, RawCommits, ReadInterval
from transforms.locate.commit_sequence import CommitSequence
from transforms.state.addresses import JOIN, block_key, parts_of
from transforms.state.aggregated import AggregatedTrace, record
from transforms.state.view import Outputs
from transforms.state.waits import Deadlines, Waits, deadline_after, earliest

#: A commit that advances over more blocks than this left a gap: nobody consumes that much between two commits.
MAX_BLOCKS = 64

#: Commits that are kept after they were sent to their blocks, for facts that come late: 14 hours of auto-commit. Those
#: before them have done their work.
MAX_RELEASED = 10_000


class _Snapshot(Struct, array_like=True, gc=False):
    now: int
    trim_at: int | None
    reads: list[ReadInterval]
    commits: list[OrderedCommit]


class CommitsView:
    """See the head of this file. `limit` bounds the commits and blocks that are kept for late facts."""

    decode = staticmethod(msgpack.Decoder(list[OrderFact]).decode)

    def __init__(self, key: bytes, waits: Waits, limit: int, block_size: int, cluster: str = "") -> None:
        group, topic, partition = parts_of(key)
        self._group, self._topic, self._partition = str(group), str(topic), int(partition)
        self._waits = waits
        self._limit = limit
        self._block_size = block_size
        self._cluster = cluster or None
        self._commits: dict[str, OrderedCommit] = {}
        self._waiting: dict[str, OrderedCommit] = {}
        self._apart = waits.commit_reorder * NANOS_PER_MILLI
        self._released = CommitSequence(self._apart)
        self._reads: dict[int, ReadInterval] = {}
        #: Blocks with deliveries that no commit has settled yet, as far as is known.
        self._open: set[int] = set()
        self._deadlines: Deadlines[str] = Deadlines()
        self._now = -1
        self._trim_at: int | None = None
        self._out = Outputs()

    def on_facts(self, facts: list[OrderFact]) -> Outputs:
        """Take in facts; release the commits whose reorder wait is over."""
        self._out = Outputs()
        for fact in facts:
            if isinstance(fact, RawCommits):
                self._take_commits(fact)
            else:
                self._take_reads(fact)
        return self._end()

    def on_time(self, now: int) -> Outputs:
        """Release the commits whose reorder wait is over, forget what is past retention."""
        self._out = Outputs()
        self._now = max(self._now, now)
        if self._trim_at is not None and self._trim_at <= self._now:
            self._release()
            self._trim()
        return self._end()

    def _end(self) -> Outputs:
        self._release()
        if len(self._released.commits) > MAX_RELEASED:
            self._forget(self._released.commits[: -MAX_RELEASED * 9 // 10])
        if self.size() > self._limit:
            self._evict()
        return self._out

    def deadline(self) -> int | None:
        """The next release, or the next look for what is past retention."""
        return earliest(self._deadlines.next(), self._trim_at)

    def size(self) -> int:
        """Commits and blocks held."""
        return len(self._commits) + len(self._reads)

    def _take_commits(self, columns: RawCommits) -> None:
        items = zip(
            columns.offsets,
            columns.ids,
            columns.nanos,
            columns.digits,
            columns.clients,
            columns.timestamps,
            strict=True,
        )
        names, extras = columns.client_ids, columns.extras
        for item, (offset, identity, nanos, digits, client, timestamp) in enumerate(items):
            known = self._commits.get(identity)
            if known is not None:
                self._out.counts["duplicates"] += 1
                self._date_back(known, timestamp)
                continue
            commit = OrderedCommit(offset, identity, nanos, digits, names[client], timestamp, extras.get(item))
            self._commits[identity] = self._waiting[identity] = commit
            self._keep(timestamp)
            if offset == UNKNOWN:
                self._write_start(commit)
            self._deadlines.set(identity, deadline_after(timestamp, self._waits.commit_reorder))

    def _date_back(self, commit: OrderedCommit, timestamp: int) -> None:
        """A trace that lies twice in the topic counts by its earliest time (ms)."""
        if timestamp >= commit.timestamp:
            return
        commit.timestamp = timestamp
        if commit.sent_to is None:
            self._deadlines.set(commit.id, deadline_after(timestamp, self._waits.commit_reorder))
        for block in commit.sent_to or ():
            self._send(commit, block, again=True)

    def _take_reads(self, news: ReadInterval) -> None:
        """The group read in a block: commits that came before this news may have to settle there."""
        block = news.block
        known = self._reads.get(block)
        self._reads[block] = news if known is None else known.merge(news)
        self._open.add(block)
        self._keep(news.timestamp)
        released = self._released.commits
        for commit in released[bisect_left(released, news.first_nanos - self._apart, key=_nanos) :]:
            if commit.offset >= news.low:
                self._send(commit, block)
            if commit.nanos >= news.last_nanos and commit.offset >= news.high:
                break

    def _keep(self, timestamp: int) -> None:
        if self._trim_at is None:
            self._trim_at = self._waits.first_trim(timestamp, self._now)

    # The sequence ---------------------------------------------------------------------------------------------------

    def _release(self) -> None:
        """Put the commits that have waited long enough into the sequence, in order, and tell what follows from that.

        Those that wait still but are of an earlier date go with them: waits end by Kafka timestamps, which may be in
        another order than dates.
        """
        due = self._deadlines.due(self._now)
        if not due:
            return
        latest = max(self._waiting[identity].order for identity in due)
        waiting = self._waiting.values()  # the date alone decides of most, and costs less than the order
        ready = sorted((one for one in waiting if one.nanos <= latest[0] and one.order <= latest), key=_order)
        for commit in ready:
            del self._waiting[commit.id]
            self._deadlines.set(commit.id, None)
            place = self._released.insert(commit)
            commit.sent_to = []
            self._relate(place)
            is_last = place + 1 == len(self._released.commits)
            self._judge(commit, REWOUND, self._released.went_back_from(commit))
            if not is_last:
                self._relate(place + 1)
                for one in self._released.judged_by(commit):
                    self._judge(one, REWOUND, self._released.went_back_from(one))
            if commit.offset != UNKNOWN:
                self._out.counts["emitted"] += 1  # here, since no block knows whether another wrote it before
                self._send_home(commit)
                for block in sorted(self._open) if is_last else self._reads:
                    self._settle(commit, block, self._reads[block])

    def _settle(self, commit: OrderedCommit, block: int, reads: ReadInterval) -> None:
        """Send the commit to a block unless it reaches no delivery there, or an earlier one settled them all."""
        if reads.low > commit.offset or reads.first_nanos > commit.nanos + self._apart:
            return
        if reads.settled_nanos is not None and reads.settled_nanos < commit.nanos:
            return
        self._send(commit, block)
        if commit.nanos >= reads.last_nanos and commit.offset >= reads.high:
            reads.settled_nanos = commit.nanos
            self._open.discard(block)

    def _relate(self, place: int) -> None:
        """Work out anew how the commit at this place of the sequence stands to the one before it."""
        commits = self._released.commits
        commit, before = commits[place], commits[place - 1] if place else None
        start = None if before is None else before.offset
        repeated = start == commit.offset
        if repeated != commit.repeated:
            commit.repeated = repeated
            if commit.offset != UNKNOWN and commit.version:
                self._send_home(commit)
        gap = start is not None and commit.offset // self._block_size - (start + 1) // self._block_size >= MAX_BLOCKS
        self._judge(commit, GAP, start if gap else None)

    def _judge(self, commit: OrderedCommit, reason: str, start: int | None) -> None:
        """Write a finding when it begins to hold or its start (the offset before) changes; close it when it ends."""
        if commit.findings.get(reason) == start:
            return
        if start is None:
            del commit.findings[reason]
        else:
            commit.findings[reason] = start
        self._out.findings.append(
            finding(
                reason, commit.id, None, resolved=start is None, topic=self._topic, partition=self._partition,
                offset=commit.offset, fromOffset=start, groupId=self._group, clientId=commit.client_id,
                date=commit.date, cluster=self._cluster,
            )
        )  # fmt: skip

    # The blocks -----------------------------------------------------------------------------------------------------

    def _send_home(self, commit: OrderedCommit) -> None:
        """Tell the block of its own offset of the commit, and of what changed about it."""
        commit.version += 1
        self._send(commit, commit.offset // self._block_size, again=True)

    def _send(self, commit: OrderedCommit, block: int, *, again: bool = False) -> None:
        if commit.sent_to is None or (block in commit.sent_to and not again):
            return
        if block not in commit.sent_to:
            commit.sent_to.append(block)
        told = commit.told_to(self._group, is_home=block == commit.offset // self._block_size)
        key = block_key(self._topic, self._partition, block)
        self._out.facts.append((JOIN, key, commit.timestamp, told))

    def _write_start(self, commit: OrderedCommit) -> None:
        self._out.counts["emitted"] += 1
        self._out.records.append(
            record(
                AggregatedTrace(
                    commit.id, commit.date, COMMIT, self._topic, self._partition, commit.offset,
                    client_id=commit.client_id, group_id=self._group, cluster=self._cluster,
                ),
                commit.extra,
            )
        )  # fmt: skip

    # Forgetting and keeping -----------------------------------------------------------------------------------------

    def _trim(self) -> None:
        """Forget what is past retention."""
        before = self._now - self._waits.retention
        self._forget([commit for commit in self._released.commits if commit.timestamp <= before])
        self._reads = {block: reads for block, reads in self._reads.items() if reads.timestamp > before}
        self._open &= self._reads.keys()
        commits = (*self._released.commits, *self._waiting.values())
        times = (*(commit.timestamp for commit in commits), *(reads.timestamp for reads in self._reads.values()))
        oldest = min(times, default=None)
        self._trim_at = None if oldest is None else self._waits.next_trim(self._now, oldest)

    def _evict(self) -> None:
        """Give up the oldest commits and blocks; facts as late as these find no commit any more."""
        excess = self.size() - self._limit * 9 // 10
        released = self._released.commits
        commits = released[: min(excess, len(released) - 1)]
        self._forget(commits)
        oldest = sorted(self._reads, key=lambda block: self._reads[block].timestamp)[: excess - len(commits)]
        for block in oldest:
            del self._reads[block]
        self._open &= self._reads.keys()
        count = len(commits) + len(oldest)
        if not count:
            return  # what waits to be put in order is not given up
        self._out.counts["evicted"] += count
        subject = f"{self._group}:{self._topic}:{self._partition}:{self._now}"
        self._out.findings.append(
            finding(
                EVICTED, subject, None, topic=self._topic, partition=self._partition, groupId=self._group,
                count=count, cluster=self._cluster,
            )
        )  # fmt: skip

    def _forget(self, commits: list[OrderedCommit]) -> None:
        for commit in commits:
            del self._commits[commit.id]
        self._released.forget(commits)

    def snapshot(self) -> bytes:
        """All of it."""
        commits = [*self._released.commits, *self._waiting.values()]
        return _encode(_Snapshot(self._now, self._trim_at, list(self._reads.values()), commits))

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        self._now, self._trim_at = saved.now, saved.trim_at
        self._reads = {reads.block: reads for reads in saved.reads}
        self._open = {reads.block for reads in saved.reads if reads.settled_nanos is None}
        self._commits = {commit.id: commit for commit in saved.commits}
        for commit in saved.commits:
            if commit.sent_to is not None:
                self._released.insert(commit)
        self._waiting = {commit.id: commit for commit in saved.commits if commit.sent_to is None}
        for commit in self._waiting.values():
            self._deadlines.set(commit.id, deadline_after(commit.timestamp, self._waits.commit_reorder))


_encode: Callable[[Any], bytes] = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


def _nanos(commit: OrderedCommit) -> int:
    return commit.nanos


def _order(commit: OrderedCommit) -> tuple[int, int, str]:
    return commit.order
