"""Router: which views the traces of a bundle concern, and what each is told.

What traces say together of groups, blocks and producers is told once for all of them (PlaceFacts).
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from apache_beam.utils.windowed_value import WindowedValue

from transforms.findings.findings import SEND_FAILED, finding
from transforms.input.dates import NANOS_PER_MILLI
from transforms.input.records import ACK, HEADER_READER, LATEST_TIMESTAMP, NO_GROUP, HeaderLink
from transforms.input.traces import Ack, Commit, Consume, Send, Trace, error_of, has_no_place, is_refused
from transforms.locate.commit_facts import RawCommits, ReadInterval
from transforms.locate.send_facts import BY_PRODUCER, BY_READER, IN_HEADER, Seen, SeenColumns, SendFailed, SentColumns
from transforms.state.addresses import (
    FOLLOW,
    JOIN,
    LOCATE,
    ORDER,
    PRODUCE,
    block_key,
    commits_key,
    partition_key,
    shard_key,
    shard_of,
    topic_key,
)
from transforms.state.aggregated import AggregatedTrace, record
from transforms.state.facts import Acks, HeaderLinks, Int64s, ProducerAnswered, Reads, digits_column, digits_of
from transforms.state.group_facts import AckWithoutOffset, BlockSeen, GroupCommitted, GroupRead, PartitionFact
from transforms.state.packs import Packer
from transforms.state.view import Outputs

#: Topic, partition, block.
_Block = tuple[str, int, int]


class Router:
    """The traces of one bundle. `outputs` are the records and findings that need no view."""

    def __init__(self, shards: int, block_size: int, cluster: str = "") -> None:
        self._shards = shards
        self._block_size = block_size
        self._cluster = cluster or None
        self.outputs = Outputs()
        #: The earliest timestamp (ms) of a trace that they are about.
        self.earliest_output = LATEST_TIMESTAMP
        self._packer = Packer()
        self._sends: dict[int, list[Send]] = {}
        self._seen: dict[int, list[Seen]] = {}
        self._acks: dict[_Block, list[Ack]] = {}
        self._reads: dict[tuple[_Block, str], list[Consume]] = {}
        self._links: dict[_Block, list[HeaderLink]] = {}
        self._commits: dict[tuple[_Block, str], list[Commit]] = {}
        #: Topic, partition and client of ACKs without an offset, and the latest timestamp (ms) of these.
        self._bare: dict[tuple[str, int, str], int] = {}

    def add(self, traces: Iterable[Trace | HeaderLink]) -> None:
        """Take in traces."""
        for trace in traces:
            if isinstance(trace, Send):
                self._send(trace)
            elif isinstance(trace, Consume):
                self._consume(trace)
            elif isinstance(trace, Commit):
                self._commit(trace)
            elif isinstance(trace, Ack):
                self._ack(trace)
            else:
                self._link(trace)

    def packs(self) -> Iterator[tuple[str, WindowedValue]]:
        """All that views are told, as `(destination, (key, pack))`, each with the time of its earliest fact."""
        self._tell_shards()
        self._tell_blocks()
        return self._packer.flush()

    # One by one -----------------------------------------------------------------------------------------------------

    def _send(self, send: Send) -> None:
        self._sends.setdefault(shard_of(send.topic, send.correlation_id, self._shards), []).append(send)

    def _ack(self, ack: Ack) -> None:
        if has_no_place(ack):
            self._unplaced(ack)
            return
        self._acks.setdefault((ack.topic, ack.partition, ack.offset // self._block_size), []).append(ack)
        if ack.correlation_id is not None:
            self._see(ack, ack.correlation_id, ack.nanos, ack.client_id, BY_PRODUCER)

    def _consume(self, read: Consume) -> None:
        place = (read.topic, read.partition, read.offset // self._block_size), read.group_id
        self._reads.setdefault(place, []).append(read)
        self._see(read, read.correlation_id, read.nanos, read.client_id, BY_READER)

    def _commit(self, commit: Commit) -> None:
        place = (commit.topic, commit.partition, commit.offset // self._block_size), commit.group_id
        self._commits.setdefault(place, []).append(commit)

    def _link(self, link: HeaderLink) -> None:
        self._links.setdefault((link.topic, link.partition, link.offset // self._block_size), []).append(link)
        if link.correlation_id is not None:
            self._see(link, link.correlation_id, link.timestamp * NANOS_PER_MILLI, None, IN_HEADER)

    def _see(
        self, where: Ack | Consume | HeaderLink, correlation_id: str, nanos: int, client_id: str | None, role: int
    ) -> None:
        """A correlationId was seen at a position."""
        seen = Seen(
            where.topic, correlation_id, where.partition, where.offset, nanos, where.timestamp, client_id, role
        )  # fmt: skip
        self._seen.setdefault(shard_of(where.topic, correlation_id, self._shards), []).append(seen)

    def _unplaced(self, ack: Ack) -> None:
        """An ACK without an offset: the send failed, or (ProducersView decides) the producer asked for none."""
        trace = AggregatedTrace(
            ack.id, ack.date, ACK, ack.topic, ack.partition, ack.offset, ack.correlation_id, ack.client_id,
            cluster=self._cluster,
        )  # fmt: skip
        self.outputs.records.append(record(trace, ack.extra))
        self.earliest_output = min(self.earliest_output, ack.timestamp)
        raw, correlation = (ack.id, ack.date, ack.client_id, ack.timestamp), ack.correlation_id
        if not is_refused(ack):
            producer = (ack.topic, ack.partition, ack.client_id)
            self._bare[producer] = max(ack.timestamp, self._bare.get(producer, -1))
            self._packer.add((PRODUCE, topic_key(ack.topic), ack.timestamp, AckWithoutOffset(*raw, correlation)))
            if correlation is not None:
                self._see(ack, correlation, ack.nanos, ack.client_id, BY_PRODUCER)
        elif correlation is not None:
            failed = SendFailed(
                ack.topic, correlation, ack.id, ack.nanos, digits_of(ack.date), ack.client_id, ack.timestamp,
                error_of(ack),
            )  # fmt: skip
            key = shard_key(shard_of(ack.topic, correlation, self._shards))
            self._packer.add((LOCATE, key, ack.timestamp, failed))
        else:
            self.outputs.findings.append(
                finding(
                    SEND_FAILED, ack.id, None, topic=ack.topic, clientId=ack.client_id, date=ack.date,
                    error=error_of(ack), cluster=self._cluster,
                )
            )  # fmt: skip

    # Together -------------------------------------------------------------------------------------------------------

    def _tell_shards(self) -> None:
        for shard, sends in self._sends.items():
            self._locate(shard, SentColumns.of(sends))
        for shard, seen in self._seen.items():
            self._locate(shard, SeenColumns.of(seen))

    def _locate(self, shard: int, columns: SentColumns | SeenColumns) -> None:
        self._packer.add((LOCATE, shard_key(shard), min(columns.timestamps), columns))

    def _tell_blocks(self) -> None:
        placing: dict[tuple[str, int, str], int] = {}
        for (topic, partition, block), acks in self._acks.items():
            for client, latest in self._tell_acks(topic, partition, block, acks):
                placing[topic, partition, client] = max(latest, placing.get((topic, partition, client), -1))
        for (place, group), reads in self._reads.items():
            self._tell_reads(*place, group, reads)
        for place, links in self._links.items():
            self._tell_links(*place, links)
        for (place, group), commits in self._commits.items():
            self._tell_commits(*place, group, commits)
        self._tell_producers(placing)

    def _tell_acks(self, topic: str, partition: int, block: int, acks: Sequence[Ack]) -> Iterator[tuple[str, int]]:
        """Tell of the ACKs of a block; the clients that were told offsets, and when (ms) last."""
        columns = Acks.of(acks, digits_column(acks))
        times = np.frombuffer(columns.timestamps, np.int64)
        self._join(topic, partition, block, times, columns)
        self._follow(topic, partition, int(times.max()), BlockSeen(block, int(times.max())))
        clients = np.frombuffer(columns.clients, np.int32)
        return ((client, int(times[clients == number].max())) for number, client in enumerate(columns.client_ids))

    def _tell_reads(self, topic: str, partition: int, block: int, group: str, reads: Sequence[Consume]) -> None:
        columns = Reads.of(reads, digits_column(reads), group_id=group)
        offsets, dates, times = (
            np.frombuffer(each, np.int64) for each in (columns.offsets, columns.nanos, columns.timestamps)
        )
        self._join(topic, partition, block, times, columns)
        low, first, last = int(offsets.min()), int(times.min()), int(times.max())
        if group != NO_GROUP:
            interval = ReadInterval(block, low, int(offsets.max()), int(dates.min()), int(dates.max()), last)
            self._packer.add((ORDER, commits_key(group, topic, partition), last, interval))
        seen = int(dates.max()) // NANOS_PER_MILLI
        self._follow(topic, partition, first, GroupRead(group, block, low, first, last, seen))

    def _tell_commits(self, topic: str, partition: int, block: int, group: str, commits: Sequence[Commit]) -> None:
        first, last = min(commit.timestamp for commit in commits), max(commit.timestamp for commit in commits)
        low = min(commit.offset for commit in commits)
        seen = max(commit.nanos for commit in commits) // NANOS_PER_MILLI
        self._follow(topic, partition, first, GroupCommitted(group, block, low, first, last, seen))
        self._packer.add((ORDER, commits_key(group, topic, partition), first, RawCommits.of(commits)))

    def _tell_links(self, topic: str, partition: int, block: int, links: Sequence[HeaderLink]) -> None:
        offsets = np.array([link.offset for link in links], np.int64)
        times = np.array([link.timestamp for link in links], np.int64)
        names = [link.correlation_id for link in links]
        self._join(topic, partition, block, times, HeaderLinks(offsets.tobytes(), times.tobytes(), names))
        first, last = int(times.min()), int(times.max())
        self._follow(topic, partition, first, GroupRead(HEADER_READER, block, int(offsets.min()), first, last, last))

    def _tell_producers(self, placing: dict[tuple[str, int, str], int]) -> None:
        in_topic: dict[tuple[str, str], int] = {}
        for (topic, partition, client), last in placing.items():
            self._follow(topic, partition, last, ProducerAnswered(client, last, places=True))
            in_topic[topic, client] = max(last, in_topic.get((topic, client), -1))
        for (topic, client), last in in_topic.items():
            self._packer.add((PRODUCE, topic_key(topic), last, ProducerAnswered(client, last, places=True)))
        for (topic, partition, client), last in self._bare.items():
            self._follow(topic, partition, last, ProducerAnswered(client, last, places=False))

    def _join(self, topic: str, partition: int, block: int, times: Int64s, fact: Acks | Reads | HeaderLinks) -> None:
        self._packer.add((JOIN, block_key(topic, partition, block), int(times.min()), fact))

    def _follow(self, topic: str, partition: int, timestamp: int, fact: PartitionFact) -> None:
        self._packer.add((FOLLOW, partition_key(topic, partition), timestamp, fact))
