"""A simulated cluster: the traces of hundreds of messages of producers and groups, for Hypothesis.

What is drawn is a plan, a seed among it.
"""

from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.histories import START, Item, any_trace, changed, date_at
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, HeaderLink


class Plan(NamedTuple):
    """What a simulated cluster does. Shares are of 1."""

    seed: int
    messages: int
    topics: int = 2
    partitions: int = 2
    groups: int = 2
    markers: float = 0.1
    failures: float = 0.05
    untraced: float = 0.1
    rewinds: float = 0.05
    seeks: float = 0.0
    shared: float = 0.1
    reused: float = 0.1
    correlated_acks: float = 0.3
    headers: float = 0.2
    missing: float = 0.05
    twice: float = 0.05
    skew_ms: int = 2000
    step_ms: int = 40
    #: A partition goes to another client of the group, which begins at the last commit.
    rebalances: float = 0.0
    #: Transactions that are aborted: acknowledged messages that nobody reads.
    aborted: float = 0.0
    #: A producer sends again what was written already.
    retries: float = 0.0
    #: A send fails, or seems to: what is written is a named failure, and the producer sends again.
    repeats: float = 0.0
    #: A topic's partition is made anew: its offsets begin at 0 again.
    restarts: float = 0.0
    #: A consumer without a group reads too.
    ungrouped: float = 0.0
    #: Clients that ask for no answer (`acks=0`), and named ACKs of failed sends that know the partition.
    careless: float = 0.0
    #: A client's clock is set.
    jumps: float = 0.0
    #: How much later than it happened a trace may reach Kafka.
    delay_ms: int = 0


#: Nothing out of order, nothing missing, no log made anew, no clock wrong but the producers'.
CALM: dict[str, Any] = {
    "missing": 0.0,
    "twice": 0.0,
    "reused": 0.0,
    "skew_ms": 0,
    "jumps": 0.0,
    "delay_ms": 0,
    "repeats": 0.0,
    "restarts": 0.0,
}


def plans(messages: st.SearchStrategy[int], **fixed: Any) -> st.SearchStrategy[Plan]:
    """Plans with so many messages."""
    share = st.sampled_from([0.0, 0.1, 0.4])
    drawn: dict[str, Any] = {
        "seed": st.integers(0, 2**32),
        "topics": st.integers(1, 3),
        "partitions": st.integers(1, 3),
        "groups": st.integers(1, 3),
        "skew_ms": st.sampled_from([0, 3, 2000, 5000]),
        "seeks": st.sampled_from([0.0, 0.02]),
        "step_ms": st.sampled_from([1, 40]),
    }
    names = (
        "markers",
        "failures",
        "untraced",
        "rewinds",
        "shared",
        "reused",
        "correlated_acks",
        "headers",
        "missing",
        "twice",
    )
    drawn |= dict.fromkeys(names, share)
    drawn |= dict.fromkeys(
        ("rebalances", "aborted", "retries", "jumps", "repeats", "careless", "restarts", "ungrouped"),
        st.sampled_from([0.0, 0.0, 0.1]),
    )
    drawn["delay_ms"] = st.sampled_from([0, 0, 30_000])
    drawn |= {name: st.just(value) for name, value in fixed.items()}
    return st.builds(Plan, messages=messages, **drawn)


def traffic(plan: Plan) -> list[Item]:
    """The traces and header links of a plan, in order of time."""
    return _Cluster(plan).run()


class _Cluster:
    """Logs, producers and groups, one step after the other."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = Random(plan.seed)  # noqa: S311  a repeatable history
        self.items: list[Item] = []
        self.now = START
        self.serial = 0
        #: Per partition the correlationId of each offset: "" for a message without the header, None for a marker.
        self.logs: dict[tuple[str, int], list[str | None]] = {
            (f"topic{t}", p): [] for t in range(plan.topics) for p in range(plan.partitions)
        }
        self.positions = dict.fromkeys([(f"group{g}", *log) for g in range(plan.groups) for log in self.logs], 0)
        self.clients = [f"client{c}" for c in range(3)]
        self.skews = {client: self.random.randint(-plan.skew_ms, plan.skew_ms) for client in self.clients}
        self.skews["loner"] = 0
        self.names: list[tuple[str, str]] = []
        self.aborted: set[tuple[str, int, int]] = set()
        #: Per reader the client that has the partition, and the position that was committed last.
        self.owners: dict[tuple[str, str, int], str] = {}
        self.committed: dict[tuple[str, str, int], int] = {}

    def run(self) -> list[Item]:
        produced = 0
        while produced < self.plan.messages:
            if self.random.random() < 0.4:
                produced += 1
                self.produce()
            else:
                self.consume(self.random.choice(list(self.positions)))
        for reader in self.positions:
            for _ in range(6):
                self.consume(reader)
        kept = [item for item in self.items if not self.happens(self.plan.missing)]
        kept += [self.copied(item) for item in kept if self.happens(self.plan.twice)]
        return sorted(kept, key=lambda item: item.timestamp)

    def copied(self, item: Item) -> Item:
        """The trace lies in its topic again: at once, a little later, or half an hour later."""
        later = 0 if isinstance(item, HeaderLink) else self.random.choice([0, 0, 700, 1_800_000])
        return changed(item, timestamp=item.timestamp + later)

    def happens(self, share: float) -> bool:
        return self.random.random() < share

    def maybe(self, share: float) -> bool:
        """As `happens`, but a share of nothing draws no number: plans without it stay the histories that they were."""
        return share > 0 and self.happens(share)

    def fresh(self, kind: str) -> str:
        self.serial += 1
        return f"{kind}{self.serial}"

    def trace(self, kind: str, client: str, topic: str, **fields: Any) -> None:
        """Something happens a little later; its trace reaches Kafka a little after that."""
        self.now += self.random.randint(1, self.plan.step_ms)
        if self.maybe(self.plan.jumps):
            self.skews[client] += self.random.randint(-10_000, 10_000)
        delay = self.random.randint(0, self.plan.delay_ms) if self.plan.delay_ms else 0
        skew = self.skews[client] if kind != SEND else self.skews[client] - (self.plan.seed % 3) * 50
        nanos = (self.now + skew) * 10**6 + self.random.randrange(10**6)
        date = date_at(nanos, self.random.choice([3, 6, 9]))
        extra = {"recordTimestamp": self.now} if self.happens(0.1) else None
        if "error" in fields:
            extra = {**(extra or {}), "error": fields.pop("error")}
        self.items.append(
            any_trace(
                type=kind, id=self.fresh(kind[:2].lower()), date=date, client_id=client, topic=topic,
                timestamp=self.now + 1 + delay, extra=extra, **fields,
            )
        )  # fmt: skip

    def produce(self) -> None:
        (topic, partition), log = self.random.choice(list(self.logs.items()))
        client = self.random.choice(self.clients)
        if self.maybe(self.plan.restarts):
            self.restart(topic, partition)
        if self.happens(self.plan.markers):
            log.append(None)
        if self.happens(self.plan.untraced):
            log.append("")
            return
        used = [name for name, where in self.names if where != topic]
        here = [name for name, where in self.names if where == topic]
        if used and self.happens(self.plan.shared):
            name = self.random.choice(used)
            if name in here and not self.plan.reused:
                name = self.fresh("name")
        elif here and self.happens(self.plan.reused):
            name = self.random.choice(here)
        else:
            name = self.fresh("name")
        self.names.append((name, topic))
        self.send(client, topic, partition, name)

    def send(self, client: str, topic: str, partition: int, name: str) -> None:
        log = self.logs[topic, partition]
        self.trace(SEND, client, topic, correlation_id=name)
        named = name if self.happens(self.plan.correlated_acks) else None
        if self.maybe(self.plan.careless):
            self.send_carelessly(topic, partition, name, named)
            return
        if self.maybe(self.plan.repeats):
            self.repeat(client, topic, partition, name)
        if self.happens(self.plan.failures):
            self.trace(ACK, client, topic, partition=-1, offset=-1, correlation_id=named)
            return
        if self.maybe(self.plan.retries):
            log.append(name)
            if self.happens(0.5):
                self.items.append(HeaderLink(topic, partition, len(log) - 1, name, self.now))
        log.append(name)
        offset = len(log) - 1
        if self.maybe(self.plan.aborted):
            self.aborted.add((topic, partition, offset))
            log.append(None)
        if self.happens(self.plan.headers):
            self.items.append(HeaderLink(topic, partition, offset, name, self.now))
        if self.happens(self.plan.failures):
            self.trace(ACK, client, topic, partition=partition, offset=-1, correlation_id=named)
        else:
            self.trace(ACK, client, topic, partition=partition, offset=offset, correlation_id=named)

    def restart(self, topic: str, partition: int) -> None:
        """The log begins anew, and the groups with it."""
        self.logs[topic, partition].clear()
        self.aborted = {place for place in self.aborted if place[:2] != (topic, partition)}
        for reader in self.positions:
            if reader[1:] == (topic, partition):
                self.positions[reader] = self.committed[reader] = 0

    def send_carelessly(self, topic: str, partition: int, name: str, named: str | None) -> None:
        """An ACK without an offset or an error: of a client that asks for none, or of a send that failed."""
        client = self.clients[0]
        if self.happens(0.7):
            self.logs[topic, partition].append(name)
        else:
            client = self.random.choice(self.clients)
        self.trace(ACK, client, topic, partition=partition, offset=-1, correlation_id=named)

    def repeat(self, client: str, topic: str, partition: int, name: str) -> None:
        """A send fails, or only its answer does, and the producer sends again."""
        if self.happens(0.5):
            self.logs[topic, partition].append(name)
        place = {"partition": self.random.choice([-1, partition]), "offset": -1}
        self.trace(ACK, client, topic, correlation_id=name, error="TimeoutException", **place)
        self.trace(SEND, client, topic, correlation_id=name)

    def consume(self, reader: tuple[str, str, int]) -> None:
        group, topic, partition = reader
        log = self.logs[topic, partition]
        client = self.owner(reader) if self.plan.rebalances else self.random.choice(self.clients)
        for _ in range(self.random.randint(1, 5)):
            position = self.positions[reader]
            while position < len(log) and (log[position] is None or (topic, partition, position) in self.aborted):
                position += 1
            self.positions[reader] = position
            if position == len(log):
                break
            name = log[position] or self.fresh("read")
            place = {"partition": partition, "offset": position, "group_id": group}
            self.trace(CONSUME, client, topic, correlation_id=name, **place)
            if self.maybe(self.plan.ungrouped):
                self.trace(CONSUME, "loner", topic, correlation_id=name, **place | {"group_id": ""})
            self.positions[reader] += 1
        if self.happens(self.plan.seeks):
            self.positions[reader] = len(log)
        for _ in range(self.random.choice([0, 1, 1, 1, 2])):
            self.commit(reader, client, self.positions[reader])
        if self.happens(self.plan.rewinds):
            self.positions[reader] = max(0, self.positions[reader] - self.random.randint(1, 6))
            if self.happens(0.5):
                self.commit(reader, client, self.positions[reader])

    def commit(self, reader: tuple[str, str, int], client: str, position: int) -> None:
        group, topic, partition = reader
        self.committed[reader] = position
        self.trace(COMMIT, client, topic, partition=partition, offset=position - 1, group_id=group)

    def owner(self, reader: tuple[str, str, int]) -> str:
        """Who has the partition now. The next one begins at the last commit; the former may commit once more, late."""
        former = self.owners.setdefault(reader, self.random.choice(self.clients))
        if self.happens(self.plan.rebalances):
            self.owners[reader] = self.random.choice(self.clients)
            position, self.positions[reader] = self.positions[reader], self.committed.get(reader, 0)
            if self.happens(0.3):
                self.commit(reader, former, position)
        return self.owners[reader]
