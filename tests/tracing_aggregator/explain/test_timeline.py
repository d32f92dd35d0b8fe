"""The timeline of hand-made records: each case lists the steps that are shown, as (type, group, label)."""

from itertools import permutations
from typing import NamedTuple

import pytest

from tests.tracing_aggregator.explain.cases import PLACE, Value, acked, committed, consumed, found, sent
from tracing_aggregator.explain.model import Timeline
from tracing_aggregator.explain.screen import lines
from tracing_aggregator.explain.subject import Place, subject_of
from tracing_aggregator.explain.timeline import timeline

SENT = ("SEND", None, "sent")
ACKED = ("ACK", None, "12 ms to the broker")
READ = ("CONSUME", "billing", "3.2 s until billing read it")
COMMITTED = ("COMMIT", "billing", "1.0 s until committed by the commit at offset 42")
NO_SEND = ("GAP", None, "no SEND is known: its producer is not traced, or the trace is not here")
UNREAD = ("GAP", None, "no group is known to have read it")
DEADLINE = "2026-01-01T00:02:00.000Z"


class Case(NamedTuple):
    name: str
    records: list[Value]
    findings: list[Value]
    steps: list[tuple[str, str | None, str]]


CASES = [
    Case("all is well", [sent(), acked(), consumed(), committed()], [], [SENT, ACKED, READ, COMMITTED]),
    Case(
        "a commit further on settles it",
        [sent(), acked(), consumed(), committed(settledBy=60)],
        [],
        [SENT, ACKED, READ, ("COMMIT", "billing", "1.0 s until committed by the commit at offset 60")],
    ),
    Case(
        "two groups, in the order in which they read it",
        [sent(), acked(), consumed(), committed(), consumed(100, "audit"), committed(101.5, "audit")],
        [],
        [
            SENT,
            ACKED,
            ("CONSUME", "audit", "100 ms until audit read it"),
            ("COMMIT", "audit", "1 ms until committed by the commit at offset 42"),
            READ,
            COMMITTED,
        ],
    ),
    Case(
        "unacked",
        [sent(), consumed(), committed()],
        [found("unacked", deadline=DEADLINE)],
        [SENT, ("GAP", None, f"never acknowledged; the deadline was {DEADLINE}"), READ, COMMITTED],
    ),
    Case(
        "not acknowledged yet, and the finding that said so is resolved",
        [sent(), consumed(), committed()],
        [found("unacked", resolved=True)],
        [SENT, ("GAP", None, "no acknowledgement is known"), READ, COMMITTED],
    ),
    Case(
        "lost",
        [sent(), acked()],
        [found("lost", deadline=DEADLINE)],
        [
            SENT,
            ACKED,
            ("GAP", None, f"lost: the log was read past it, and it is not there; the deadline was {DEADLINE}"),
            UNREAD,
        ],
    ),
    Case(
        "unconsumed by one group",
        [sent(), acked(), consumed(), committed()],
        [found("unconsumed", groupId="audit", deadline=DEADLINE)],
        [
            SENT,
            ACKED,
            READ,
            COMMITTED,
            ("GAP", "audit", f"group audit: not consumed (audit went past it; the deadline was {DEADLINE})"),
        ],
    ),
    Case(
        "in an aborted transaction, perhaps",
        [sent(), acked()],
        [found("unconsumed", groupId="audit", cause="possibly-aborted")],
        [
            SENT,
            ACKED,
            ("GAP", "audit", "group audit: not consumed (no group read it: it may be part of an aborted transaction)"),
        ],
    ),
    Case(
        "uncommitted",
        [sent(), acked(), consumed()],
        [found("uncommitted", groupId="billing", deadline=DEADLINE)],
        [SENT, ACKED, READ, ("GAP", "billing", f"not committed; the deadline was {DEADLINE}")],
    ),
    Case(
        "no commit seen",
        [sent(), acked(), consumed()],
        [],
        [SENT, ACKED, READ, ("GAP", "billing", "no commit of billing is known to settle it")],
    ),
    Case(
        "over-consumed: two deliveries, the second after a rewind and not committed again",
        [sent(), acked(), consumed(), committed(), consumed(60_000, deliveryCount=2)],
        [found("over-consumed", groupId="billing", deliveryCount=2, cause="rewind")],
        [
            SENT,
            ACKED,
            READ,
            COMMITTED,
            ("CONSUME", "billing", "read again by billing, delivery 2, 56 s after the first: the group went back"),
            ("GAP", "billing", "no commit of billing is known to settle it"),
        ],
    ),
    Case(
        "over-consumed for a reason that nobody knows",
        [sent(), acked(), consumed(), consumed(4000, deliveryCount=2), committed()],
        [],
        [
            SENT,
            ACKED,
            READ,
            ("CONSUME", "billing", "read again by billing, delivery 2, 800 ms after the first"),
            ("COMMIT", "billing", "200 ms until committed by the commit at offset 42"),
        ],
    ),
    Case(
        "a producer that is not traced",
        [consumed(), committed()],
        [],
        [NO_SEND, ("CONSUME", "billing", "billing read it"), COMMITTED],
    ),
    Case(
        "a commit without a read, and the same again",
        [sent(), acked(), committed(), committed(5000, repeated=True)],
        [],
        [
            SENT,
            ACKED,
            ("COMMIT", "billing", "committed by the commit at offset 42, without a read that is known"),
            ("COMMIT", "billing", "the commit at offset 42 again, which settled nothing"),
        ],
    ),
    Case(
        "clocks that disagree",
        [sent(100), acked(95), consumed(98.5), committed()],
        [],
        [
            SENT,
            ("ACK", None, "-5 ms to the broker; their clocks disagree"),
            ("CONSUME", "billing", "-1 ms until billing read it; their clocks disagree"),
            ("COMMIT", "billing", "4.1 s until committed by the commit at offset 42"),
        ],
    ),
    Case(
        "a send that failed",
        [sent(partition=None, offset=None), acked(partition=-1, offset=-1, error="TIMED_OUT", durationMs=None)],
        [{**found("send-failed"), "partition": None, "offset": None} | {"partition": -1, "offset": -1}],
        [SENT, ("ACK", None, "the send failed: TIMED_OUT")],
    ),
    Case(
        "a send whose position nobody has told yet",
        [sent(partition=None, offset=None)],
        [],
        [SENT, ("GAP", None, "its position is not known: nobody is known to have read it yet")],
    ),
    Case(
        "a send that is not in the log",
        [sent(partition=None, offset=None)],
        [{"id": "unlinked:SEND-0", "reason": "unlinked", "topic": "orders", "correlationId": "c", "inLog": False}],
        [SENT, ("GAP", None, "its position was never learned, and the log does not have it")],
    ),
]


def steps(shown: Timeline) -> list[tuple[str, str | None, str]]:
    [message] = shown.messages
    return [(step.type, step.group_id, step.label) for step in message.steps]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_timeline_names_what_happened_and_what_did_not(case):
    assert steps(timeline(case.records, case.findings, subject_of("c"))) == case.steps
    if "offset" in case.records[0]:
        assert steps(timeline(case.records, case.findings, subject_of("orders/0/42"))) == case.steps


def test_the_order_of_the_records_does_not_matter():
    records = [sent(), acked(), consumed(), committed(), consumed(60_000, deliveryCount=2)]
    shown = {repr(timeline(order, [], subject_of("c"))) for order in permutations(records)}
    assert len(shown) == 1


def test_the_highest_revision_counts_and_withdrawn_records_drop_out():
    records = [
        acked(durationMs=None, correlationId=None),
        acked(revision=2),
        committed(revision=2, withdrawn=True),
        sent(),
        committed(),
        consumed(),
    ]
    no_commit = ("GAP", "billing", "no commit of billing is known to settle it")
    assert steps(timeline(records, [], subject_of("c"))) == [SENT, ACKED, READ, no_commit]


def test_a_commit_that_moved_to_another_message_is_not_shown_at_the_first():
    moved = committed(revision=2, offset=43, correlationId="d")
    shown = timeline([sent(), acked(), consumed(), committed(), moved], [], subject_of("c"))
    assert [step[0] for step in steps(shown)] == ["SEND", "ACK", "CONSUME", "GAP"]


def test_a_send_that_moved_does_not_take_the_message_at_its_first_position_with_it():
    records = [sent(), sent(revision=2, offset=43), consumed(offset=43), consumed(9, correlationId="other")]
    assert [message.place.offset for message in timeline(records, [], subject_of("c")).messages] == [43]


def test_a_forwarded_message_is_shown_hop_by_hop():
    invoices = {"topic": "invoices", "partition": 3, "offset": 7}
    records = [
        consumed(5000, "mail", **invoices),
        acked(3300, **invoices, clientId="billing-out"),
        sent(3240, **invoices, clientId="billing-out"),
        *(committed(), consumed(), acked(), sent()),
    ]
    for subject in ("c", "orders/0/42", "invoices/3/7"):
        shown = timeline(records, [], subject_of(subject))
        assert [(one.hop, str(one.place)) for one in shown.messages] == [(1, "orders/0/42"), (2, "invoices/3/7")]
        labels = [step.label for step in shown.messages[1].steps if step.type != "GAP"]
        assert labels == [
            "sent, 40 ms after billing read orders/0/42",
            "60 ms to the broker",
            "1.7 s until mail read it",
        ]
        since = [step.since_origin_ns for step in shown.messages[1].steps if step.type != "GAP"]
        assert since == [3240 * 10**6, 3300 * 10**6, 5000 * 10**6]


def test_several_sends_of_one_correlation_id_are_several_messages_of_one_hop():
    records = [
        sent(),
        acked(),
        sent(1000, offset=50),
        acked(1010, offset=50),
        sent(2000, partition=None, offset=None),
        sent(3000, partition=None, offset=None),
        acked(3500, partition=-1, offset=-1),
    ]
    shown = timeline(records, [], subject_of("c"))
    assert [(one.hop, one.place) for one in shown.messages] == [
        (1, Place("orders", 0, 42)),
        (1, Place("orders", 0, 50)),
        (1, None),
        (1, None),
    ]
    assert [[step.type for step in one.steps] for one in shown.messages[2:]] == [["SEND", "ACK"], ["SEND", "GAP"]]


def test_traces_at_a_position_belong_to_it_even_without_a_correlation_id():
    records = [acked(correlationId=None, durationMs=None), consumed(correlationId="random"), committed()]
    shown = timeline(records, [], subject_of("orders/0/42"))
    assert [step.type for step in shown.messages[0].steps] == ["GAP", "ACK", "CONSUME", "COMMIT"]
    assert shown.correlation_ids == ("random", "c")
    assert [step.type for step in timeline(records, [], subject_of("c")).messages[0].steps] == [
        "GAP", "ACK", "CONSUME", "COMMIT",
    ]  # fmt: skip


def test_findings_about_it_are_shown_open_or_resolved_with_all_that_any_record_of_them_told():
    findings = [
        found("unacked", clientId="p1"),
        {"id": "unacked:subject", "reason": "unacked", **PLACE, "resolved": True},
        {**found("unacked"), "id": "unacked:other", "offset": 41, "correlationId": "other"},
        {"id": "evicted:x", "reason": "evicted", "key": "x", "count": 3},
    ]  # fmt: skip
    [shown] = timeline([sent(), acked()], findings, subject_of("c")).findings
    assert (shown["resolved"], shown["clientId"]) == (True, "p1")
    [opened] = timeline([sent()], [*findings[:2], found("unacked")], subject_of("c")).findings
    assert "resolved" not in opened


def test_a_rewind_is_about_every_offset_that_it_brings_again():
    rewind = {**found("rewound"), "correlationId": None, "offset": 40, "fromOffset": 42, "groupId": "billing"}
    assert timeline([sent()], [rewind], subject_of("c")).findings == (rewind,)
    before = {**rewind, "offset": 42, "fromOffset": 45}
    assert [one["reason"] for one in timeline([sent(offset=43)], [before], subject_of("c")).findings] == ["rewound"]
    assert timeline([sent(offset=46)], [before], subject_of("c")).findings == ()


def test_a_summary_is_about_the_messages_of_its_minute_and_about_its_examples():
    summary = {
        "id": "unacked:summary", "reason": "unacked", "topic": "orders", "summary": True, "count": 200, "found": 200,
        "windowStart": "2026-01-01T00:00:00.000Z", "examples": [{"id": "x", "correlationId": "d"}],
    }  # fmt: skip
    assert timeline([sent(59_999)], [summary], subject_of("c")).findings == (summary,)
    assert timeline([sent(60_000)], [summary], subject_of("c")).findings == ()
    assert timeline([consumed(offset=43, correlationId="d")], [summary], subject_of("d")).findings == (summary,)
    assert [step.gap for step in timeline([sent()], [summary], subject_of("c")).messages[0].steps][1:] == [
        "no-ack", "unread",
    ]  # fmt: skip


def test_what_was_given_up_of_a_correlation_id_is_said_even_without_a_topic():
    given_up = {"id": "evicted:paths:c", "reason": "evicted", "correlationId": "c", "limit": 256}
    shown = timeline([sent()], [given_up], subject_of("c"))
    assert shown.findings == (given_up,)
    assert str(list(lines(shown))[-1].more) == "(any topic)"


def test_nothing_is_known_of_another_message():
    assert not timeline([sent(), acked()], [found("unacked")], subject_of("other"))
    assert not timeline([sent(), acked()], [found("unacked")], subject_of("orders/0/43"))
