"""BlockWriter: writes what a block decided, once per change, with rising revisions."""

from collections.abc import Iterable, Sequence
from typing import Any

from transforms.findings.findings import Found, Verdict, resolve, tell
from transforms.input.dates import date_of_nanos
from transforms.input.records import ACK, COMMIT, CONSUME
from transforms.join.block import Block
from transforms.join.block_facts import Commit, JoinedTrace, Written
from transforms.join.trace_table import Rows, TraceTable
from transforms.state.aggregated import AggregatedTrace, record
from transforms.state.view import Outputs


class BlockWriter:
    """Puts records and findings of one block into `outputs`, the outputs of the batch at hand."""

    def __init__(self, block: Block, cluster: str) -> None:
        self._block = block
        self._cluster = cluster or None
        self.outputs = Outputs()

    # Of plain messages, for the first time --------------------------------------------------------------------------

    def plain_acks(self, rows: Rows, correlation_ids: Iterable[str | None], durations: Iterable[int | None]) -> None:
        """Write the ACKs of these rows."""
        table, block = self._block.acks, self._block
        self.outputs.counts["emitted"] += len(rows)
        for row, identity, date, client, correlation_id, duration in self._traces(
            table, rows, correlation_ids, durations
        ):
            trace = AggregatedTrace(
                identity, date, ACK, block.topic, block.partition, block.base + row, correlation_id, client, None,
                duration, cluster=self._cluster,
            )  # fmt: skip
            self.outputs.records.append(record(trace, table.extras.get(row)))

    def plain_reads(self, group: str, rows: Rows, durations: Iterable[int | None]) -> None:
        """Write the CONSUMEs of a group in these rows, each the first delivery."""
        table, block = self._block.reads[group], self._block
        self.outputs.counts["emitted"] += len(rows)
        own = [table.correlation_ids[row] for row in rows.tolist()]
        for row, identity, date, client, correlation_id, duration in self._traces(table, rows, own, durations):
            trace = AggregatedTrace(
                identity, date, CONSUME, block.topic, block.partition, block.base + row, correlation_id, client, group,
                duration, 1, cluster=self._cluster,
            )  # fmt: skip
            self.outputs.records.append(record(trace, table.extras.get(row)))

    def plain_commits(self, rows: Rows, commits: Sequence[Commit], durations: Iterable[int]) -> None:
        """Write of each row's commit the record that says it settles that row."""
        block = self._block
        for row, commit, duration in zip(rows.tolist(), commits, durations, strict=True):
            offset = block.base + row
            is_own = offset == commit.offset
            if not is_own:  # CommitsView has counted the commit itself
                self.outputs.counts["range_commits"] += 1
            trace = AggregatedTrace(
                commit.id if is_own else f"{commit.id}:{offset}", commit.date, COMMIT, block.topic, block.partition,
                offset, block.reads[commit.group_id].correlation_ids[row], commit.client_id, commit.group_id, duration,
                settled_by=None if is_own else commit.offset, cluster=self._cluster,
            )  # fmt: skip
            self.outputs.records.append(record(trace, commit.extra))

    def _traces(
        self, table: TraceTable, rows: Rows, correlation_ids: Iterable[str | None], durations: Iterable[int | None]
    ) -> Iterable[tuple[int, str, str, str, str | None, int | None]]:
        """Row, id, date, client, and what is given of each."""
        names = self._block.client_ids
        row_list = rows.tolist()
        return zip(
            row_list,
            [table.ids[row] for row in row_list],
            map(date_of_nanos, table.nanos[rows].tolist(), table.digits[rows].tolist()),
            [names[number] for number in table.clients[rows].tolist()],
            correlation_ids,
            durations,
            strict=True,
        )

    # Of all others --------------------------------------------------------------------------------------------------

    def ack(self, offset: int, ack: JoinedTrace, correlation_id: str | None, duration: int | None) -> None:
        """Write an ACK if it says something new."""
        if self._changes(ack, (duration, correlation_id)):
            self._record(ACK, ack, ack.id, offset, ack.revision, correlation_id=correlation_id, duration_ms=duration)

    def consume(self, offset: int, group: str, delivery: JoinedTrace, duration: int | None, count: int) -> None:
        """Write a CONSUME if it says something new; `count` is 1 for the first delivery to the group."""
        if self._changes(delivery, (duration, count)):
            self._record(
                CONSUME, delivery, delivery.id, offset, delivery.revision, group_id=group, duration_ms=duration,
                correlation_id=delivery.correlation_id, delivery_count=count,
            )  # fmt: skip

    def commit(self, commit: Commit, records: dict[int, Written]) -> None:
        """Write those records of a commit that are new or changed, and withdraw those that no longer hold."""
        counts = self.outputs.counts
        for number, said in records.items():
            revision, before = commit.written.get(number, (0, None))
            if before == said:
                continue
            revision += 1
            commit.written[number] = revision, said
            if revision > 1:
                counts["revisions"] += 1
            elif number != Commit.OWN:  # CommitsView has counted the commit itself
                counts["range_commits"] += 1
            self._commit_record(commit, number, revision, said)
        for number in commit.written.keys() - records.keys():
            revision, before = commit.written[number]
            if before is not None:
                commit.written[number] = revision + 1, None
                counts["revisions"] += 1
                self._commit_record(commit, number, revision + 1, before, withdrawn=True)

    def tell(self, offset: int, verdict: Verdict, told: Found | None) -> Found:
        """Tell a verdict about this offset if it says something new; what is to be remembered of it."""
        found, news = tell(verdict, told, **self._place(offset))
        if news is not None:
            self.outputs.findings.append(news)
        return found

    def resolve(self, offset: int, told: Found) -> None:
        """Close what was told."""
        self.outputs.findings.append(resolve(told, **self._place(offset)))

    def _place(self, offset: int) -> dict[str, Any]:
        block = self._block
        return {"topic": block.topic, "partition": block.partition, "offset": offset, "cluster": self._cluster}

    def _changes(self, trace: JoinedTrace, said: Written) -> bool:
        if trace.written == said:
            return False
        trace.written = said
        trace.revision += 1
        self.outputs.counts["revisions" if trace.revision > 1 else "emitted"] += 1
        return True

    def _commit_record(
        self, commit: Commit, number: int, revision: int, said: Written, *, withdrawn: bool | None = None
    ) -> None:
        offset, correlation_id, duration, repeated = said
        self._record(
            COMMIT, commit, commit.id if number == Commit.OWN else f"{commit.id}:{offset}", offset, revision,
            group_id=commit.group_id, correlation_id=correlation_id, duration_ms=duration,
            settled_by=None if offset == commit.offset else commit.offset, repeated=repeated or None,
            withdrawn=withdrawn,
        )  # fmt: skip

    def _record(
        self, kind: str, trace: JoinedTrace | Commit, identity: str, offset: int, revision: int, **known: Any
    ) -> None:
        block = self._block
        self.outputs.records.append(
            record(
                AggregatedTrace(
                    identity, trace.date, kind, block.topic, block.partition, offset, client_id=trace.client_id,
                    revision=revision, cluster=self._cluster, **known,
                ),
                trace.extra,
            )
        )  # fmt: skip
