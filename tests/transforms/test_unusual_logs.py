"""Positions that hold two messages in a day: each history in every order and through Beam."""

import pytest

from tests.transforms.unusual import Outcome, play


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """What remains of the history in the docstring of the test."""
    return play(request.function.__doc__)


def test_the_facts_of_two_messages_at_one_position_join_by_correlation_id_and_by_time(outcome):
    """
    SEND s1 0 OLD; ACK a1 2 offset 0; CONSUME c1 10 OLD offset 0; SEND s2 3600000 NEW; ACK a2 +2 offset 0;
    CONSUME c2 +10 NEW offset 0
    """
    records = outcome.records
    assert (records["c2"]["durationMs"], records["c2"]["deliveryCount"]) == (12, 1)
    assert (records["a1"]["correlationId"], records["a1"]["durationMs"]) == ("OLD", 2)
    assert (records["a2"]["correlationId"], records["a2"]["durationMs"]) == ("NEW", 2)
    assert outcome.reasons() == {"log-restarted"}
    counts = {window: tally.counts for (_, _, group, window), tally in outcome.tallies.items() if group == "g"}
    assert [(tally["expected"], tally["actual"], tally["over"]) for tally in counts.values()] == [(1, 1, 0)] * 2


def test_an_ack_that_names_its_message_keeps_it(outcome):
    """SEND s 0 X; CONSUME c 10 X offset 0; ACK a 5 Y offset 0."""
    assert outcome.records["a"]["correlationId"] == "Y"
    assert "durationMs" not in outcome.records["a"]
    assert outcome.findings["unacked:s:0:0"]["correlationId"] == "X"


def test_a_restart_is_found_once_for_a_partition(outcome):
    """
    SEND s1 0 A; ACK a1 2 A offset 0; SEND s2 10 B; ACK a2 12 B offset 9; SEND s3 5000 C; ACK a3 5002 C offset 0
    """
    assert outcome.findings.keys() == {"log-restarted:t:0:0"}
    assert outcome.findings["log-restarted:t:0:0"]["date"] == "2026-01-01T00:00:05.000000Z"


def test_reads_under_other_names_are_one_message_that_an_untraced_producer_sent(outcome):
    """CONSUME c1 10 A offset 0 group g; CONSUME c2 20 B offset 0 group h."""
    assert outcome.findings == {}
