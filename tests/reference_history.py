"""What the reference works on: a whole history, and the facts of each message in it, looked up slowly."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from transforms.input.records import ACK, COMMIT, CONSUME, LATEST_TIMESTAMP, SEND, HeaderLink
from transforms.input.traces import Trace

#: No block edges at all: what the text says.
ONE_BLOCK = 10**18
#: The group of the reader of headers, and that of consumers without one.
HEADERS = "headers"
NO_GROUP = ""

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

    @property
    def lives(self) -> "list[Message]":
        """One message for each that lay here: those that SENDs and ACKs name, by the first date of each."""
        named = [fact for fact in [*self.sends, *self.acks] if fact.correlation_id]
        starts: dict[str, int] = {}
        for fact in sorted(named, key=nanos):
            starts.setdefault(str(fact.correlation_id), nanos(fact))
        if len(starts) < 2:
            return [self]
        lives = {name: Message(self.place) for name in sorted(starts, key=lambda name: (starts[name], name))}

        def life(name: str | None, date: int) -> Message:
            begun = [one for one in lives if starts[one] <= date] or list(lives)[:1]
            return lives[name if name in lives else begun[-1]]  # type: ignore[index]

        for send in self.sends:
            life(send.correlation_id, nanos(send)).sends.append(send)
        for ack in self.acks:
            life(ack.correlation_id, nanos(ack)).acks.append(ack)
        for link in self.links:
            life(link.correlation_id, link.timestamp * 10**6).links.append(link)
        for group, reads in self.reads.items():
            for read in reads:
                life(read.correlation_id, nanos(read)).reads[group].append(read)
        return list(lives.values())

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
        ordered = sorted((item for item in items if isinstance(item, Trace)), key=lambda item: -item.timestamp)
        traces = {item.id: item for item in ordered}  # the earliest of those that are there twice
        self.sends, self.acks, self.reads, self.commits = (
            sorted((t for t in traces.values() if t.type == kind), key=order) for kind in (SEND, ACK, CONSUME, COMMIT)
        )
        self.places, self.answered = _locate(self.sends, [*self.acks, *self.reads], self.links)
        self.messages: dict[Place, Message] = {}
        for send in self.sends:
            if send.id in self.places:
                self.message(send.topic, *self.places[send.id]).sends.append(send)
        for ack in self.acks:
            if not has_no_place(ack):
                self.message(*position(ack)).acks.append(ack)
        for read in self.reads:
            self.message(*position(read)).reads[str(read.group_id)].append(read)
        for link in self.links:
            self.message(*position(link)).links.append(link)

    def message(self, *place: Any) -> Message:
        """The message at this topic, partition and offset; an empty one if nothing is there."""
        return self.messages.setdefault(place, Message(place))

    def lives(self) -> list[Message]:
        """All messages, each of those that lay at one position."""
        return [life for message in self.messages.values() for life in message.lives]

    def failed(self, ack: Trace) -> bool:
        """Whether its send failed: it says so, or its client is told offsets in that topic elsewhere."""
        if not has_no_place(ack):
            return False
        others = [other for other in self.acks if (other.topic, other.client_id) == (ack.topic, ack.client_id)]
        return says_failed(ack) or not all(map(has_no_place, others))

    def is_unacked(self, send: Trace) -> bool:
        """Whether a SEND with a place should have been acknowledged there, and its producer was told nothing."""
        whole = self.messages[send.topic, *self.places[send.id]]
        [message] = [life for life in whole.lives if send in life.sends]
        mine = [ack for ack in self.acks if (ack.topic, ack.partition) == (message.topic, message.partition)]
        mine = [ack for ack in mine if ack.client_id == send.client_id]
        bare = [ack for ack in mine if has_no_place(ack) and not says_failed(ack)]
        asks_for_none = bool(bare) and all(map(has_no_place, mine))
        return not message.acks and send.id not in self.answered and not asks_for_none

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

        Its last date `here` is that in the message's block and all before: a block is told no more.
        """
        reads, commits = self.facts_of(group, message.topic, message.partition)
        positions = [read.offset for read in reads] + [commit.offset + 1 for commit in commits]
        block = message.offset // self.block_size
        here = [millis(fact) for fact in [*reads, *commits] if fact.offset // self.block_size <= block]
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


def millis(fact: Trace | HeaderLink) -> int:
    """When a fact is dated, in whole ms: a header by its record."""
    return fact.timestamp if isinstance(fact, HeaderLink) else nanos(fact) // 10**6


def is_surely_before(first: Trace, last: Trace, apart: int) -> bool:
    """Whether one trace came before another that is dated after it: clocks of two clients may differ by `apart` ms."""
    return first.client_id == last.client_id or nanos(last) - nanos(first) >= apart * 10**6


@cache
def _nanos(date: str) -> int:
    whole, _, fraction = date.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return int((seconds + Fraction(f"0.{fraction or 0}")) * 10**9)


def order(trace: Trace) -> tuple[int, int, str]:
    """By date, then id; of commits in one instant the one of the lower offset is the first."""
    return nanos(trace), trace.offset if trace.type == COMMIT else 0, trace.id


def position(item: Trace | HeaderLink) -> Place:
    """Topic, partition and offset."""
    return item.topic, item.partition, item.offset


def millis_between(first: int, last: int) -> int:
    """The time between two instants (ns) in ms, cut toward zero."""
    return int(Fraction(last - first, 10**6))


def iso(millis: int) -> str:
    """The date of an instant in ms."""
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def has_no_place(ack: Trace) -> bool:
    """Whether an ACK says of no offset that its message is there."""
    return ack.offset == -1 or says_failed(ack)


def says_failed(ack: Trace) -> bool:
    """Whether an ACK by itself says that its send failed."""
    return ack.partition == -1 or bool((ack.extra or {}).get("error"))


def first_seen(
    name: tuple[str | None, str], linking: list[Trace], headers: set[HeaderLink]
) -> dict[tuple[int, int], tuple[int, str]]:
    """The partitions and offsets where this (correlationId, topic) was seen: when first (ns), and by which consumer.

    The consumer is empty where it was an ACK or a header.
    """
    dated: list[tuple[Any, int, str]] = [
        (link, nanos(link), link.client_id if link.type == CONSUME else "")
        for link in linking
        if link.type == CONSUME or not has_no_place(link)
    ]
    dated += [(link, link.timestamp * 10**6, "") for link in headers]
    seen: dict[tuple[int, int], tuple[int, str]] = {}
    for link, date, reader in dated:
        if (link.correlation_id, link.topic) == name:
            place = (link.partition, link.offset)
            seen[place] = min((date, reader), seen.get(place, (date, reader)))
    return seen


def acks_naming(name: tuple[str | None, str], linking: list[Trace]) -> list[Trace]:
    """The ACKs that name this (correlationId, topic), those without an offset among them."""
    return [ack for ack in linking if ack.type == ACK and (ack.correlation_id, ack.topic) == name]


def _locate(
    sends: list[Trace], linking: list[Trace], headers: set[HeaderLink]
) -> tuple[dict[str, tuple[int, int]], dict[str, Trace]]:
    """The place of each SEND that has one, and the ACK without an offset of each SEND that has one.

    Per correlationId and topic: each ACK that names the correlationId, in order of date, takes the earliest SEND of its
    client at or before it. The places that are left go to the SENDs that no ACK placed, both in order of date; a place
    that was seen before a SEND was sent is passed over if there are places enough, and always if the SEND's client saw
    it by reading there.
    """
    places: dict[str, tuple[int, int]] = {}
    answered: dict[str, Trace] = {}
    for name in {(send.correlation_id, send.topic) for send in sends}:
        waiting = [send for send in sends if (send.correlation_id, send.topic) == name]
        seen = first_seen(name, linking, headers)
        unplaced: list[Trace] = []
        for ack in sorted(acks_naming(name, linking), key=_ack_order):
            mine = [send for send in waiting if send.client_id == ack.client_id and nanos(send) <= nanos(ack)]
            if has_no_place(ack):
                if mine:
                    waiting.remove(mine[0])
                    unplaced.append(mine[0])
                    answered[mine[0].id] = ack
            elif mine and (ack.partition, ack.offset) in seen:
                waiting.remove(mine[0])
                places[mine[0].id] = (ack.partition, ack.offset)
                del seen[ack.partition, ack.offset]
        left = sorted((date, place, reader) for place, (date, reader) in seen.items())
        remaining = sorted(waiting + unplaced, key=order)
        while left and remaining:
            send, (date, place, reader) = remaining[0], left.pop(0)
            too_early = date < nanos(send)
            if too_early and (reader == send.client_id or len(left) + 1 > len(remaining)):
                continue
            places[send.id] = place
            remaining.pop(0)
    return places, answered


def _ack_order(ack: Trace) -> tuple[int, int, int, str, str]:
    """By date; ties by place, where a failure has none, then client, then id of a failure."""
    failed = says_failed(ack)
    place = (-1, -1) if failed else (ack.partition, ack.offset)
    return nanos(ack), *place, ack.client_id, ack.id if failed else ""
