"""BlockCommits: takes commits into a block, and lets them settle its deliveries.

A commit that comes in its order settles what waits for it. One that comes late may take deliveries from later ones;
what was written of these changes, so their messages become objects first.
"""

from operator import attrgetter

import numpy as np

from transforms.findings.block_judge import BlockJudge
from transforms.join.block import Block
from transforms.join.block_facts import Commit
from transforms.join.block_review import BlockReview
from transforms.join.trace_table import UNSETTLED, Rows
from transforms.state.facts import CommitUpTo
from transforms.state.waits import Waits, deadline_after

_order = attrgetter("order")


class BlockCommits:
    """See the head of this file. Times in ms."""

    def __init__(self, block: Block, review: BlockReview, judge: BlockJudge, waits: Waits) -> None:
        self._block = block
        self._review = review
        self._judge = judge
        self._waits = waits
        #: By group, those that came since `settle`.
        self._new: dict[str, list[Commit]] = {}

    def take(self, told: CommitUpTo, now: int) -> bool:
        """Take in a commit; whether it was not known."""
        block = self._block
        known = block.ids.get(told.id)
        if isinstance(known, Commit):
            self._told_again(known, told, now)
            return False
        settlement = block.settlement(told.group_id)
        commit = Commit(told, deadline_after(told.timestamp, self._waits.own_commit), settlement.next_slot)
        block.ids[told.id] = commit
        block.commits_at.setdefault(commit.offset, []).append(commit)
        block.facts += 1
        if not settlement.is_latest(commit.order):
            self._promote_taken(commit)
        for touched in settlement.commit(commit):
            self._review.touch_commit(touched)
        self._new.setdefault(commit.group_id, []).append(commit)
        self._mark_settled(commit, now)
        return True

    def settle(self) -> None:
        """Let the new commits settle the plain deliveries that wait for one."""
        block = self._block
        for group, commits in self._new.items():
            reads = block.reads.get(group)
            if reads is not None:
                waiting = np.flatnonzero((reads.nanos != 0) & (reads.settled == UNSETTLED))
                self._settle_rows(group, waiting, sorted(commits, key=_order))
                still = waiting[reads.settled[waiting] == UNSETTLED]  # another clock may say that they were committed
                reached = max(commit.offset for commit in commits) - block.base
                block.touched[still[still <= reached]] = True
        self._new = {}

    def settle_new(self, group: str, rows: Rows) -> None:
        """Let all commits settle these plain deliveries, which are new."""
        self._settle_rows(group, rows, self._block.settlements[group].commits)

    def _settle_rows(self, group: str, rows: Rows, commits: list[Commit]) -> None:
        """Settle plain deliveries of a group by the first of these commits, in order, that reaches each."""
        if not rows.size or not commits:
            return
        block, reads = self._block, self._block.reads[group]
        index = block.settlements[group].settling(commits, rows + block.base, reads.nanos[rows])
        is_settled = index < len(commits)
        plain: list[tuple[int, Commit]] = []
        for row, place in zip(rows[is_settled].tolist(), index[is_settled].tolist(), strict=True):
            commit = commits[place]
            if commit.record_of(block.base + row) in commit.written:  # it says something else by now
                self._review.as_object(block.base + row)
                for touched in block.settlements[group].settle_open(block.base + row):
                    self._review.touch_commit(touched)
            else:
                reads.settled[row] = commit.slot
                plain.append((row, commit))
        block.touched[rows[is_settled]] = True
        self._review.settled(group, plain)

    def _promote_taken(self, commit: Commit) -> None:
        """Make objects of the plain messages whose deliveries a late commit takes from later ones."""
        block, group = self._block, commit.group_id
        reads = block.reads.get(group)
        if reads is None:
            return
        for row in np.flatnonzero((reads.settled != UNSETTLED) & (reads.nanos <= commit.nanos)).tolist():
            offset = block.base + row
            reaches = offset == commit.offset or (offset < commit.offset and not block.exact)
            if reaches and block.settlements[group].in_slot(int(reads.settled[row])).order > commit.order:
                self._review.as_object(offset)

    def _told_again(self, commit: Commit, told: CommitUpTo, now: int) -> None:
        """It repeats another, or no longer does, or it lies twice in the topic and has an earlier time."""
        if commit.version < told.version:
            commit.repeated, commit.version = told.repeated, told.version
            self._review.touch_commit(commit)
        if told.timestamp < commit.timestamp:
            commit.timestamp = told.timestamp
            commit.deadline = deadline_after(told.timestamp, self._waits.own_commit)
            self._review.touch_commit(commit)
            self._mark_settled(commit, now)

    def _mark_settled(self, commit: Commit, now: int) -> None:
        """What it settles, or may settle by another clock, is to be judged; so is what its group left out below."""
        block = self._block
        for offset in (*commit.settled, *block.settlement(commit.group_id).open_before(commit)):
            block.touched[offset - block.base] = True
        self._judge.mark_dirty(commit.timestamp, now)
        self._judge.mark_skipped(commit.group_id, commit.offset + 1, commit.timestamp, now)
