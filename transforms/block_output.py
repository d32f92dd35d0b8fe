"""BlockWriter: writes what a block decided, once per change, with rising revisions."""

from typing import Any

from transforms.aggregated import aggregated
from transforms.block_facts import Commit, Held, Written
from transforms.findings import Found, Verdict, resolve, tell
from transforms.records import ACK, COMMIT, CONSUME
from transforms.view import Outputs


class BlockWriter:
    """Puts records and findings of one block into `outputs`, the outputs of the batch at hand."""

    def __init__(self, topic: str, partition: int, cluster: str) -> None:
        self._topic = topic
        self._partition = partition
        self._cluster = cluster
        self.outputs = Outputs()

    def ack(self, offset: int, ack: Held, correlation_id: str | None, duration: int | None) -> None:
        """Write an ACK if it says something new."""
        if self._changes(ack, (correlation_id, duration)):
            self._record(
                ACK, ack, ack.id, offset, ack.revision, correlation_id=correlation_id, duration_ms=duration
            )  # fmt: skip

    def consume(self, offset: int, group: str, delivery: Held, duration: int | None, count: int) -> None:
        """Write a CONSUME if it says something new; `count` is 1 for the first delivery to the group."""
        if self._changes(delivery, (duration, count)):
            self._record(
                CONSUME, delivery, delivery.id, offset, delivery.revision, group_id=group, duration_ms=duration,
                correlation_id=delivery.correlation_id, deliveryCount=count,
            )  # fmt: skip

    def commit(self, commit: Commit, records: dict[int, Written]) -> None:
        """Write those records of a commit that are new or changed, and withdraw those that no longer hold."""
        counts = self.outputs.counts
        for record, said in records.items():
            revision, before = commit.written.get(record, (0, None))
            if before == said:
                continue
            revision += 1
            commit.written[record] = revision, said
            if revision > 1:
                counts["revisions"] += 1
            elif record != Commit.ORIGINAL:  # CommitsView has counted the commit itself
                counts["range_commits"] += 1
            self._commit_record(commit, record, revision, said)
        for record in commit.written.keys() - records.keys():
            revision, before = commit.written[record]
            if before is not None:
                commit.written[record] = revision + 1, None
                counts["revisions"] += 1
                self._commit_record(commit, record, revision + 1, before, withdrawn=True)

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
        place = {"topic": self._topic, "partition": self._partition, "offset": offset}
        return place | {"cluster": self._cluster or None}

    def _changes(self, held: Held, said: Written) -> bool:
        if held.written == said:
            return False
        held.written = said
        held.revision += 1
        self.outputs.counts["revisions" if held.revision > 1 else "emitted"] += 1
        return True

    def _commit_record(self, commit: Commit, record: int, revision: int, said: Written, **ours: Any) -> None:
        offset, correlation_id, duration, repeated = said
        if offset != commit.offset:
            ours["settledBy"] = commit.offset
        if repeated:
            ours["repeated"] = True
        identity = commit.id if record == Commit.ORIGINAL else f"{commit.id}:{offset}"
        self._record(
            COMMIT, commit, identity, offset, revision, group_id=commit.group_id, correlation_id=correlation_id,
            duration_ms=duration, **ours,
        )  # fmt: skip

    def _record(
        self, kind: str, trace: Held | Commit, identity: str, offset: int, revision: int, **fields: Any
    ) -> None:
        self.outputs.records.append(
            aggregated(
                kind, identity, trace.date, trace.client_id, self._topic, partition=self._partition, offset=offset,
                revision=revision, cluster=self._cluster, extra=trace.extra, **fields,
            )
        )  # fmt: skip
