"""Findings."""

import orjson
import pytest

from transforms.findings import findings
from transforms.findings.findings import finding

#: 2020-03-25T15:41:00Z
MINUTE = 1_585_150_860_000


def test_a_finding_has_an_id_of_reason_and_subject_and_all_that_is_known():
    found = finding("unacked", "se1", MINUTE + 1_007, topic="t", offset=0, clientId=None)
    assert found.deadline == MINUTE + 1_007
    assert orjson.loads(found.key) == {"id": "unacked:se1"}
    assert orjson.loads(found.value) == {
        "id": "unacked:se1", "reason": "unacked", "topic": "t", "offset": 0, "deadline": "2020-03-25T15:41:01.007Z",
    }  # fmt: skip


def test_a_finding_without_a_deadline_is_always_ripe():
    assert finding("rewound", "co1").deadline is None
    assert "deadline" not in orjson.loads(finding("rewound", "co1").value)


def test_a_resolution_closes_the_finding_of_the_same_id():
    closed, opened = finding("gap", "co1", resolved=True), finding("gap", "co1")
    assert closed.key == opened.key
    assert orjson.loads(closed.value)["resolved"] is True
    assert (opened.resolved, closed.resolved) == (False, True)


def test_a_finding_says_what_it_is_counted_under():
    found = finding("lost", "t:0:1", topic="t", groupId="g", produced=MINUTE + 59_999, date="2020-03-25T15:44:01Z")
    assert (found.reason, found.topic, found.group, found.id) == ("lost", "t", "g", "lost:t:0:1")
    assert orjson.loads(found.value)["producedAt"] == "2020-03-25T15:41:59.999Z"


@pytest.mark.parametrize(
    ("known", "minute"),
    [
        ({"produced": MINUTE}, MINUTE),
        ({"produced": MINUTE + 59_999}, MINUTE),
        ({"produced": MINUTE, "date": "2020-03-25T16:00:00Z"}, MINUTE),
        ({"date": "2020-03-25T15:41:59.999999999Z"}, MINUTE),
        ({"date": "2020-03-25T15:42:00Z"}, MINUTE + 60_000),
        ({"produced": None, "date": None}, 0),
        ({}, 0),
    ],
)
def test_it_is_counted_in_the_minute_of_the_produce_time_else_of_its_date(known, minute):
    assert finding("late", "x", **known).minute == minute


def test_every_reason_has_a_name_of_its_own():
    names = [value for name, value in vars(findings).items() if name.isupper() and isinstance(value, str)]
    assert sorted(names) == sorted(
        "unacked send-failed unlinked over-consumed rewound gap evicted input-lost unconsumed uncommitted lost "
        "duplicate-produced negative-latency late log-restarted stalled".split()
    )
