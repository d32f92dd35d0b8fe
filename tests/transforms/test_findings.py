"""Findings."""

import orjson

from transforms.findings import finding


def test_a_finding_has_an_id_of_reason_and_subject_and_all_that_is_known():
    found = finding("unacked", "se1", 1_585_150_861_007, topic="t", offset=0, clientId=None)
    assert found.deadline == 1_585_150_861_007
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
