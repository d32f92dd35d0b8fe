"""Small histories, each with the findings that it must give: for each verdict one that gives it, and near misses.

A near miss differs by one fact, or its input ends one millisecond before the deadline, and gives nothing. `SCENE` is
all of them at once: each in a topic of its own, moved in time so that all end at the same instant, END.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from tests.histories import START, Item, any_trace, changed, date_at
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, HeaderLink
from transforms.input.traces import Trace

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
#: The time (ms) at which all cases end, a time at which blocks are judged.
END = START + 2 * DAY
#: Small blocks, so that some cases need what is known of another block.
BLOCK_SIZE = 8
#: Topics of this name are those whose headers are read.
READ_TOPICS = "read-.*"
#: Of these the log is compacted.
COMPACTED_TOPICS = "read-compacted-.*"

Facts = list[Item]
Json = dict[str, Any]


class Case(NamedTuple):
    """A history of the topic `topic`, over `until` ms after START, and its findings: fields that matter, by id.

    `resolves` are findings that are told on the way and closed again. `waits` says that one more millisecond brings
    findings.
    """

    name: str
    facts: Facts
    found: dict[str, Json]
    until: int = 30 * MINUTE
    resolves: tuple[str, ...] = ()
    waits: bool = False


# Facts; `at` is ms after START, `dated` the date in ms if the client's clock is wrong ---------------------------------


def _trace(kind: str, at: int, dated: float | None, **fields: Any) -> Trace:
    nanos = START * 10**6 + int((at if dated is None else dated) * 10**6)
    return any_trace(type=kind, at=at, date=date_at(nanos, 6), **fields)


def send(at: int = 0, name: str = "x", id: str = "s", client: str = "p", dated: float | None = None) -> Trace:  # noqa: A002
    """A SEND."""
    return _trace(SEND, at, dated, correlation_id=name, id=id, client_id=client)


def ack(
    at: int = 10,
    offset: int = 0,
    name: str | None = "x",
    *,
    id: str = "a",  # noqa: A002
    client: str = "p",
    dated: float | None = None,
    **fields: Any,
) -> Trace:
    """An ACK; `name` None is an ACK of the Java interceptors, which names no correlationId."""
    return _trace(ACK, at, dated, offset=offset, correlation_id=name, id=id, client_id=client, **fields)


def consume(
    at: int = 50,
    offset: int = 0,
    name: str = "x",
    *,
    id: str = "c",  # noqa: A002
    group: str = "g",
    client: str = "c1",
    dated: float | None = None,
) -> Trace:
    """A CONSUME."""
    fields = {"offset": offset, "correlation_id": name, "id": id, "group_id": group, "client_id": client}
    return _trace(CONSUME, at, dated, **fields)


def commit(at: int = 60, offset: int = 0, id: str = "k", group: str = "g", dated: float | None = None) -> Trace:  # noqa: A002
    """A COMMIT; `offset` is the last one that it settles."""
    return _trace(COMMIT, at, dated, offset=offset, id=id, group_id=group, client_id="c1")


def header(at: int, offset: int, name: str | None) -> HeaderLink:
    """A record that the reader of headers saw; `name` None has no correlationId."""
    return HeaderLink("topic", 0, offset, name, START + at)


def elsewhere(trace: Trace) -> Trace:
    """The same in another topic."""
    return changed(trace, topic="topic2")


# The table ------------------------------------------------------------------------------------------------------------


def verdict(facts: Facts, found: dict[str, Json], deadline: int | None = None, **near_misses: Facts) -> Iterator[Case]:
    """The case that gives it at its deadline (ms after START), the one a millisecond shorter, and near misses."""
    name = ", ".join(found)
    until = Case._field_defaults["until"] if deadline is None else deadline
    yield Case(name, facts, found, until)
    if deadline is not None:
        yield Case(f"{name}: a millisecond before its deadline", facts, {}, until - 1, waits=True)
    for missed, others in near_misses.items():
        yield Case(f"{name}: {missed.replace('_', ' ')}", others, {}, max(until, Case._field_defaults["until"]))


def _producers() -> Iterator[Case]:
    nowhere: Json = {"partition": -1, "offset": -1, "extra": {"error": "TimeoutException"}}
    yield from verdict(
        [send(), ack(**nowhere)],
        {"send-failed:a": {"topic": "topic", "correlationId": "x", "clientId": "p", "error": "TimeoutException"}},
        the_producer_asked_for_no_offset=[send(), ack(**nowhere | {"partition": 0, "extra": None})],
        an_ACK_after_it_places_it=[send(), ack(offset=4)],
    )
    yield from verdict(
        [send(), consume()],
        {"unacked:s:0:0": {"correlationId": "x", "clientId": "p", "partition": 0, "offset": 0}},
        2 * MINUTE,
        acknowledged=[send(), ack(name=None), consume()],
        nobody_knows_where_it_is=[send()],
    )
    yield from verdict(
        [send()],
        {"unlinked:s": {"type": "SEND", "correlationId": "x", "clientId": "p"}},
        DAY,
        its_ACK_names_it=[send(), ack()],
    )
    yield from verdict(
        [ack(at=0, name=None)],
        {"unlinked:a": {"type": "ACK", "partition": 0, "offset": 0, "clientId": "p"}},
        DAY,
        a_group_names_it=[ack(at=0, name=None), consume()],
    )
    twice = [send(), ack(), send(20, id="s2"), ack(30, 1, id="a2")]
    yield from verdict(
        twice,
        {"duplicate-produced:topic:x:0:1": {"firstPartition": 0, "firstOffset": 0, "clientId": "p", "offset": 1}},
        another_client_sent_it_on=[*twice[:2], send(20, id="s2", client="q"), ack(30, 1, id="a2", client="q")],
        another_correlationId=[*twice[:2], send(20, "y", "s2"), ack(30, 1, "y", id="a2")],
        forwarded_to_another_topic=[*twice[:2], *map(elsewhere, twice[2:])],
        acknowledged_twice_at_one_offset=[*twice[:3], ack(30, 0, id="a2")],
    )


def _clocks() -> Iterator[Case]:
    about: Json = {"durationMs": -1, "sentBy": "p", "correlationId": "x"}
    yield from verdict(
        [send(), ack(dated=-1)],
        {"negative-latency:a": about | {"type": "ACK", "clientId": "p"}},
        at_the_same_instant=[send(), ack(dated=0)],
        less_than_a_millisecond_before=[send(), ack(dated=-0.5)],
    )
    yield from verdict(
        [send(), ack(), consume(dated=-1)],
        {"negative-latency:c": about | {"type": "CONSUME", "groupId": "g", "clientId": "c1"}},
        at_the_same_instant=[send(), ack(), consume(dated=0)],
    )
    yield from verdict(
        [ack(), send(120_011, dated=0)],
        {"late:a": {"type": "ACK", "clientId": "p", "offset": 0}},
        its_SEND_came_as_the_hold_ended=[ack(), send(120_010, dated=0)],
    )
    yield from verdict(
        [ack(), consume(), send(10_051, dated=0)],
        {"late:c": {"type": "CONSUME", "groupId": "g", "clientId": "c1"}},
        its_SEND_came_as_the_hold_ended=[ack(), consume(), send(10_050, dated=0)],
    )
    yield from verdict(
        [commit(), consume(15_061, dated=50)],
        {"late:k:0": {"type": "COMMIT", "groupId": "g", "correlationId": "x"}},
        its_CONSUME_came_as_the_hold_ended=[commit(), consume(15_060, dated=50)],
    )


def _groups() -> Iterator[Case]:
    left_out = [send(), ack(offset=1), consume(50, 0, "w", id="c0"), consume(100, 2, "z", id="c2")]
    by_another = consume(70, 1, id="h1", group="h")
    subject = "unconsumed:g:topic:0:1"
    yield from verdict(
        [*left_out, by_another],
        {subject: {"groupId": "g", "correlationId": "x", "offset": 1, "cause": None}},
        100 + 10 * MINUTE,
        read_as_well=[*left_out, by_another, consume(90, 1)],
        the_group_began_after_it=[*left_out[:2], left_out[3], by_another],
        the_group_did_not_come_so_far=[*left_out[:3], by_another],
    )
    yield from verdict(
        left_out,
        {subject: {"groupId": "g", "cause": "possibly-aborted"}},
        100 + 10 * MINUTE,
        a_transaction_marker=left_out[2:],
    )
    far = [send(), ack(offset=1), consume(50, 0, "w", id="c0"), consume(100, 3 * BLOCK_SIZE, "z", id="c2")]
    yield from verdict([*far, by_another], {subject: {"cause": None}}, 100 + 10 * MINUTE)
    passed = [send(), ack(offset=1), by_another, consume(80, 0, "w", id="c0")]
    yield from verdict(
        [*passed, commit(100, 1)],
        {subject: {"groupId": "g", "cause": None}},
        100 + 10 * MINUTE,
        committed_up_to_it=[*passed, commit(100, 0)],
    )
    jumped = [send(), ack(offset=BLOCK_SIZE), consume(50, 0, "w", id="c0"), consume(60, BLOCK_SIZE, id="h8", group="h")]
    yield from verdict(
        [*jumped, commit(100, 2 * BLOCK_SIZE)],
        {f"unconsumed:g:topic:0:{BLOCK_SIZE}": {"groupId": "g", "cause": None}},
        100 + 10 * MINUTE,
        in_its_block_the_group_did_nothing_but_commit=[*jumped, commit(100, BLOCK_SIZE + 2)],
    )
    known = [consume(50, 0, "w", id="c0"), commit(60, 0)]
    yield from verdict(
        [*known, consume(100, 1)],
        {"uncommitted:g:topic:0:1": {"groupId": "g", "clientId": "c1", "correlationId": "x"}},
        100 + 5 * MINUTE,
        committed=[*known, consume(100, 1), commit(200, 1, "k2")],
        committed_by_a_later_offset=[*known, consume(100, 1), commit(200, 7, "k2")],
        the_group_was_never_seen_committing=[known[0], consume(100, 1)],
    )
    yield from verdict(
        [*known, consume(100, 1), commit(101, 1, "k2", dated=99)],
        {"uncommitted:g:topic:0:1": {"groupId": "g"}},
        100 + 5 * MINUTE,
        committed_at_the_same_instant=[*known, consume(100, 1), commit(101, 1, "k2", dated=100)],
    )
    yield from verdict(
        [commit(60, 5, "k1"), commit(100, 3, "k2")],
        {"rewound:k2": {"groupId": "g", "fromOffset": 5, "offset": 3}},
        the_other_commit_is_the_later_one=[commit(101, 5, "k1"), commit(100, 3, "k2")],
        repeated=[commit(60, 5, "k1"), commit(100, 5, "k2")],
    )
    yield from verdict(
        [commit(60, 5, "k1"), commit(100, 64 * BLOCK_SIZE, "k2")],
        {"gap:k2": {"groupId": "g", "fromOffset": 5, "offset": 64 * BLOCK_SIZE}},
        an_offset_less=[commit(60, 5, "k1"), commit(100, 64 * BLOCK_SIZE - 1, "k2")],
    )


def _redeliveries() -> Iterator[Case]:
    first, last = consume(50, id="c1"), commit(110, 0, "k2")
    again = consume(100, id="c2")
    about: Json = {"groupId": "g", "deliveryCount": 2, "firstClientId": "c1", "correlationId": "x"}
    causes = {
        "rewind": [first, commit(60), again, last],
        "rebalance": [first, changed(again, client_id="c2"), last],
        "redelivery": [first, again, last],
        "unknown": [first, again],
    }
    for cause, facts in causes.items():
        others = [changed(fact, group_id="h", client_id="d") if fact.id == "c2" else fact for fact in facts]
        found = {"over-consumed:c2": about | {"cause": cause}}
        for case in verdict(facts, found, by_another_group=others):
            yield case._replace(name=f"{cause}: {case.name}")
    once = [first, commit(101), again, last]
    yield Case("a commit after both deliveries is no rewind", once, {"over-consumed:c2": {"cause": "redelivery"}})


def _read_topics() -> Iterator[Case]:
    """Cases of topics whose headers are read."""
    log = [send(), ack(offset=1), header(0, 0, "w"), header(100, 2, "y")]
    yield from verdict(
        log,
        {"lost:topic:0:1": {"correlationId": "x", "clientId": "p", "offset": 1}},
        100 + 2 * MINUTE,
        it_is_in_the_log=[*log, header(50, 1, "x")],
        it_is_in_the_log_without_its_header=[*log, header(50, 1, None)],
        the_log_was_not_read_past_it=log[:3],
        the_log_was_not_read_from_there=[*log[:2], log[3]],
    )
    far = [*log[:3], header(100, 2 * BLOCK_SIZE, "y")]
    yield from verdict(far, {"lost:topic:0:1": {"offset": 1}}, 100 + 2 * MINUTE)
    yield from verdict(
        [send()],
        {"unlinked:s": {"type": "SEND", "inLog": False}},
        DAY,
        it_is_in_the_log=[send(), ack(name=None), header(5, 0, "x")],
    )
    yield Case("lost, and found", [*log, header(4 * MINUTE, 1, "x")], {}, resolves=("lost:topic:0:1",))


def _compacted_topics() -> Iterator[Case]:
    """Cases of topics whose headers are read, and whose log loses messages on purpose."""
    log = [send(), ack(offset=1), header(0, 0, "w"), header(100, 2, "y")]
    yield Case("compacted, so not lost", log, {})
    passed = [send(), ack(offset=1), consume(50, 0, "w", id="c0"), consume(100, 2, "z", id="c2")]
    yield Case("compacted, so not unconsumed", [*passed, consume(70, 1, id="h1", group="h")], {})
    yield Case("compacted, and unacked nevertheless", [send(), consume()], {"unacked:s:0:0": {}})


def _resolved() -> Iterator[Case]:
    """What was missing comes later."""
    yield Case("unacked, and acknowledged", [send(), consume(), ack(4 * MINUTE)], {}, resolves=("unacked:s:0:0",))
    left_out = [send(), ack(offset=1), consume(50, 0, "w", id="c0"), consume(100, 2, "z", id="c2")]
    late = consume(12 * MINUTE, 1)
    yield Case("unconsumed, and read", [*left_out, late], {}, resolves=("unconsumed:g:topic:0:1",))
    known = [consume(50, 0, "w", id="c0"), commit(60, 0), consume(100, 1), commit(7 * MINUTE, 1, "k2")]
    yield Case("uncommitted, and committed", known, {}, resolves=("uncommitted:g:topic:0:1",))
    twice = [send(), ack(), send(20, id="s2"), ack(30, 1, id="a2"), send(MINUTE, id="s3", client="q")]
    identity = "duplicate-produced:topic:x:0:1"
    yield Case("duplicate, and another client sends it too", [*twice, ack(MINUTE, 2, id="a3", client="q")], {},
               resolves=(identity,))  # fmt: skip
    late_commit = commit(MINUTE, 2, "k3", dated=110)
    back = [commit(60, 5, "k1"), commit(100, 3, "k2"), changed(late_commit, offset=3)]
    yield Case("rewound stays when the group stays there", back, {"rewound:k2": {"fromOffset": 5}})
    between = [commit(60, 5, "k1"), commit(100, 3, "k2"), commit(MINUTE, 3, "k3", dated=80)]
    yield Case("an earlier commit is the one that went back", between, {"rewound:k3": {}}, resolves=("rewound:k2",))


def _nothing() -> Iterator[Case]:
    yield Case(HEALTHY, busy(), {})
    unread = [send(), ack(offset=3), *(consume(50 + n, n, f"n{n}", id=f"c{n}") for n in (0, 3, 9))]
    named = changed(unread[2], correlation_id="v"), changed(unread[3], correlation_id="x"), unread[4]
    yield Case("offsets that are no messages", [*unread[:2], *named, commit(100, 12)], {})
    yield Case(NEVER_COMMITS, [send(), ack(), consume()], {})
    untraced = [consume(50 + n, n, f"n{n}", id=f"c{n}") for n in range(4)]
    yield Case(UNTRACED, [*untraced, commit(100, 3)], {})


HEALTHY = "a busy topic of healthy clients"
NEVER_COMMITS = "a group that was never seen committing"
UNTRACED = "a producer that is not traced"


def busy(messages: int = 300, partitions: int = 3) -> Facts:
    """Healthy clients: two groups read and commit all, some of it out of order by Kafka's timestamps."""
    facts: Facts = []
    for number in range(messages):
        partition, offset = number % partitions, number // partitions
        at, name = 250 * number, f"m{number}"
        here: Facts = [send(at, name, f"s{number}"), ack(at + 12, offset, None, id=f"a{number}")]
        for group, delay in (("g", 40 + number % 7), ("h", 2_000 - 3 * (number % 5))):
            here.append(consume(at + delay, offset, name, id=f"{group}{number}", group=group, client=f"{group}-client"))
            if offset % 5 == 4:
                here.append(commit(at + delay + 5, offset, f"{group}k{number}", group))
        facts += [changed(fact, partition=partition) if fact.type != SEND else fact for fact in here]
    return facts


# All at once ----------------------------------------------------------------------------------------------------------


class Placed(NamedTuple):
    """A case in a topic of its own, at its time."""

    case: Case
    topic: str
    items: Facts

    def own(self, records: Iterable[Json]) -> list[Json]:
        """Those findings that are about this case, with the names of the table."""
        mine = (orjson.dumps(value).decode() for value in records if value.get("topic", "").startswith(self.topic))
        return [orjson.loads(text.replace(f"{self.topic}.", "").replace(self.topic, "topic")) for text in mine]


def _place(number: int, case: Case, kind: str) -> Placed:
    topic, shift = f"{kind}-{number:03}", END - START - case.until
    moved: Facts = []
    for item in case.facts:
        place = {"topic": item.topic.replace("topic", topic), "timestamp": item.timestamp + shift}
        if isinstance(item, Trace):
            nanos = item.nanos + shift * 10**6
            place |= {"id": f"{topic}.{item.id}", "nanos": nanos, "date": date_at(nanos, 6)}
        moved.append(changed(item, **place))
    return Placed(case, topic, moved)


def _tables() -> Iterator[Placed]:
    cases = (*_producers(), *_clocks(), *_groups(), *_redeliveries(), *_resolved(), *_nothing())
    for kind, table in (
        ("plain", cases),
        ("read", (*_read_topics(),)),
        ("read-compacted", (*_compacted_topics(),)),
    ):
        yield from (_place(number, case, kind) for number, case in enumerate(table))


SCENE = list(_tables())


def scene_items() -> Facts:
    """All cases, in order of time, and a record at END."""
    items = [item for placed in SCENE for item in placed.items]
    return [*sorted(items, key=lambda item: item.timestamp), HeaderLink("read-clock", 0, 0, None, END)]


def missing_fields(expected: dict[str, Json], found: dict[str, Json]) -> dict[str, Json]:
    """What of the expected fields the findings lack or say otherwise."""
    lacks = {
        identity: {name: fact for name, fact in fields.items() if found[identity].get(name) != fact}
        for identity, fields in expected.items()
    }
    return {identity: fields for identity, fields in lacks.items() if fields}
