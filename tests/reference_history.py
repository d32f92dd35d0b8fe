"""What the reference works on: a whole history, and the facts of each message in it, looked up slowly."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from transforms.records import ACK, COMMIT, CONSUME, LATEST_TIMESTAMP, SEND, HeaderLink
from transforms.traces import Trace

#: No block edges at all: what the text says.
ONE_BLOCK = 10**18
#: The group of the reader of headers.
HEADERS = ""

Place = tuple[str, int, int]
_HOUR = 3_600_000


class Message:
    """All facts about one offset, each kind in order."""

    def __init__(self, place: Place) -> None:
        self.topic, self.partition, self.offset = self.place = place
        self.sends: list[Trace] = []
        self.acks: list[Trace] = []
        self.links: list[HeaderLink] = []
        self.reads: dict[str, list[Trace]] = defaultdict(list)

    @property
    def send(self) -> Trace | None:
        """Of several SENDs that lie here, the first by date."""
        return min(self.sends, key=order, default=None)

    @property
    def correlation(self) -> str | None:
        """The SEND's, else the first ACK's that has one, else a header's, else the first delivery's."""
        from_sends = [self.send.correlation_id] if self.send else []
        from_acks = [ack.correlation_id for ack in self.acks if ack.correlation_id]
        from_headers = sorted(link.correlation_id for link in self.links if link.correlation_id is not None)
        from_reads = [read.correlation_id for read in sorted(self._all_reads(), key=order)]
        return next(iter([*from_sends, *from_acks, *from_headers, *from_reads]), None)

    @cached_property
    def produced(self) -> int | None:
        """When it was produced (ns): its SEND's date, else what its ACKs and CONSUMEs say, else its header's record."""
        if self.send:
            return nanos(self.send)
        said = [(trace.extra or {}).get("recordTimestamp") for trace in [*self.acks, *self._all_reads()]]
        said = [ms for ms in said if type(ms) is int and 0 < ms < LATEST_TIMESTAMP]
        known = said or [link.timestamp for link in self.links]
        return min(known) * 10**6 if known else None

    @cached_property
    def first(self) -> int:
        """The lowest Kafka timestamp (ms) of its facts."""
        return min(fact.timestamp for fact in [*self.sends, *self.acks, *self.links, *self._all_reads()])

    @cached_property
    def since(self) -> int:
        """The time (ms) from which on groups may read it: its produce time, else that of its first fact."""
        return self.first if self.produced is None else self.produced // 10**6

    @cached_property
    def window(self) -> int:
        """The minute (ms) of its produce time, else of the earliest date of its facts."""
        dates = [nanos(trace) for trace in [*self.sends, *self.acks, *self._all_reads()]]
        dates += [link.timestamp * 10**6 for link in self.links]
        millis = (min(dates) if self.produced is None else self.produced) // 10**6
        return millis - millis % 60_000

    def _all_reads(self) -> list[Trace]:
        return [read for reads in self.reads.values() for read in reads]


class History:
    """All traces and header links, each once, in order of date."""

    def __init__(self, items: Iterable[Trace | HeaderLink], block_size: int, *, exact: bool) -> None:
        items = list(items)
        self.block_size = block_size
        self.exact = exact
        self.earliest = min((item.timestamp for item in items), default=0)
        self.links = {item for item in items if isinstance(item, HeaderLink)}
        traces = {item.id: item for item in reversed(items) if isinstance(item, Trace)}
        self.sends, self.acks, self.reads, self.commits = (
            sorted((t for t in traces.values() if t.type == kind), key=order) for kind in (SEND, ACK, CONSUME, COMMIT)
        )
        self.places, self.failed = _locate(self.sends, [*self.acks, *self.reads], self.links)
        self.messages: dict[Place, Message] = {}
        for send in self.sends:
            if send.id in self.places:
                self.message(send.topic, *self.places[send.id]).sends.append(send)
        for ack in self.acks:
            if ack.offset != -1:
                self.message(*position(ack)).acks.append(ack)
        for read in self.reads:
            self.message(*position(read)).reads[str(read.group_id)].append(read)
        for link in self.links:
            self.message(*position(link)).links.append(link)

    def message(self, *place: Any) -> Message:
        """The message at this topic, partition and offset; an empty one if nothing is there."""
        return self.messages.setdefault(place, Message(place))

    @cache  # noqa: B019  one history at a time
    def groups(self, topic: str, partition: int) -> list[str]:
        """The groups that read or commit in this partition."""
        return sorted(
            {str(t.group_id) for t in [*self.reads, *self.commits] if (t.topic, t.partition) == (topic, partition)}
        )

    @cache  # noqa: B019
    def facts_of(self, group: str, topic: str, partition: int) -> tuple[list[Any], list[Trace]]:
        """The deliveries (or header links) and the commits of a group in a partition."""
        where = (topic, partition)
        if group == HEADERS:
            return [link for link in self.links if (link.topic, link.partition) == where], []
        reads, commits = (
            [trace for trace in traces if (trace.topic, trace.partition, trace.group_id) == (*where, group)]
            for traces in (self.reads, self.commits)
        )
        return reads, commits

    def expects(self, group: str, message: Message, retention: int) -> bool:
        """Whether a group that did not consume the message should have.

        Its last timestamp `here` is that in the message's block and all before: a block is told no more.
        """
        reads, commits = self.facts_of(group, message.topic, message.partition)
        positions = [read.offset for read in reads] + [commit.offset + 1 for commit in commits]
        block = message.offset // self.block_size
        here = [fact.timestamp for fact in [*reads, *commits] if fact.offset // self.block_size <= block]
        until = -(-max(here, default=0) // _HOUR) * _HOUR + retention
        return bool(positions) and message.offset >= min(positions) and message.since <= until

    def passed_at(self, group: str, message: Message) -> int | None:
        """The earliest timestamp of a delivery at a higher offset or of a commit at this one or a higher.

        A commit in the message's own block counts only if the group had read there at or below it: only then is the
        block sure to know of it.
        """
        reads, commits = self.facts_of(group, message.topic, message.partition)
        block = message.offset // self.block_size
        inside = [read for read in reads if read.offset // self.block_size == block]

        def is_known(commit: Trace) -> bool:
            if commit.offset // self.block_size > block:
                return True
            had_read = min((read.offset for read in inside), default=ONE_BLOCK) <= commit.offset
            return had_read and min(map(nanos, inside)) <= nanos(commit)

        times = [read.timestamp for read in reads if read.offset > message.offset]
        times += [commit.timestamp for commit in commits if commit.offset >= message.offset and is_known(commit)]
        return min(times, default=None)

    def covering(self, read: Trace) -> Trace | None:
        """The first commit of its group at or after a delivery, at its offset or beyond."""
        _, commits = self.facts_of(str(read.group_id), read.topic, read.partition)
        after = [commit for commit in commits if commit.offset >= read.offset and nanos(commit) >= nanos(read)]
        return min(after, key=order, default=None)

    def settling(self, read: Trace) -> Trace | None:
        """The commit that settles a delivery; in exact mode one at its offset alone does."""
        _, commits = self.facts_of(str(read.group_id), read.topic, read.partition)
        after = [commit for commit in commits if commit.offset >= read.offset and nanos(commit) >= nanos(read)]
        after = [commit for commit in after if commit.offset == read.offset or not self.exact]
        return min(after, key=order, default=None)


def nanos(trace: Trace) -> int:
    """The instant of a trace's date."""
    return _nanos(trace.date)


@cache
def _nanos(date: str) -> int:
    whole, _, fraction = date.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return int((seconds + Fraction(f"0.{fraction or 0}")) * 10**9)


def order(trace: Trace) -> tuple[int, str]:
    """By date, then id."""
    return nanos(trace), trace.id


def position(item: Trace | HeaderLink) -> Place:
    """Topic, partition and offset."""
    return item.topic, item.partition, item.offset


def millis_between(first: int, last: int) -> int:
    """The time between two instants (ns) in ms, cut toward zero."""
    return int(Fraction(last - first, 10**6))


def iso(millis: int) -> str:
    """The date of an instant in ms."""
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first_seen(
    name: tuple[str | None, str], linking: list[Trace], headers: set[HeaderLink]
) -> dict[tuple[int, int], int]:
    """The partitions and offsets where this (correlationId, topic) was seen, and the date (ns) of the first time."""
    dated = [(link, nanos(link)) for link in linking if link.offset != -1]
    dated += [(link, link.timestamp * 10**6) for link in headers]
    seen: dict[tuple[int, int], int] = {}
    for link, date in dated:
        if (link.correlation_id, link.topic) == name:
            place = (link.partition, link.offset)
            seen[place] = min(date, seen.get(place, date))
    return seen


def acks_naming(name: tuple[str | None, str], linking: list[Trace]) -> list[Trace]:
    """The ACKs that name this (correlationId, topic), those of failed sends among them."""
    named = [ack for ack in linking if ack.type == ACK and (ack.correlation_id, ack.topic) == name]
    return [ack for ack in named if ack.offset != -1 or ack.partition == -1]


def _locate(
    sends: list[Trace], linking: list[Trace], headers: set[HeaderLink]
) -> tuple[dict[str, tuple[int, int]], set[str]]:
    """The place of each SEND that has one, and the SENDs that failed.

    Per correlationId and topic: each ACK that names the correlationId, in order of date, takes the earliest SEND of its
    client at or before it; the places that are left go to the SENDs that are left, both in order of date.
    """
    places: dict[str, tuple[int, int]] = {}
    failed: set[str] = set()
    for name in {(send.correlation_id, send.topic) for send in sends}:
        waiting = [send for send in sends if (send.correlation_id, send.topic) == name]
        seen = first_seen(name, linking, headers)
        taken: set[tuple[int, int]] = set()
        named = acks_naming(name, linking)
        for ack in sorted(named, key=lambda ack: (nanos(ack), ack.partition, ack.offset, ack.client_id)):
            place = (ack.partition, ack.offset)
            if place in taken:
                continue
            mine = [send for send in waiting if send.client_id == ack.client_id and nanos(send) <= nanos(ack)]
            if not mine:
                continue
            waiting.remove(mine[0])
            if ack.offset == -1:
                failed.add(mine[0].id)
            else:
                places[mine[0].id] = place
                taken.add(place)
        left = sorted((date, place) for place, date in seen.items() if place not in taken)
        for send, (_, place) in zip(waiting, left, strict=False):
            places[send.id] = place
    return places, failed
