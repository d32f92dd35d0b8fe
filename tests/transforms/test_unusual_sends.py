"""Sends that fail, that ask for no answer, or that are sent again: each history in every order and through Beam."""

import pytest

from tests.transforms.unusual import Outcome, play


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """What remains of the history in the docstring of the test."""
    return play(request.function.__doc__)


def test_a_send_that_the_broker_refuses_has_failed_though_its_partition_is_known(outcome):
    """SEND s 0 X; ACK a 30000 partition 3 offset -1 X error=NOT_ENOUGH_REPLICAS."""
    assert outcome.findings.keys() == {"send-failed:a"}
    assert outcome.findings["send-failed:a"]["error"] == "NOT_ENOUGH_REPLICAS"


def test_an_ack_without_offset_and_error_has_failed_if_its_client_is_told_offsets_elsewhere(outcome):
    """
    SEND s 0 X; ACK a 5 offset -1; SEND s2 20 Y;
    ACK a2 25 partition 1 offset 7; CONSUME c 30 partition 1 offset 7 Y.
    """
    assert outcome.findings.keys() == {"send-failed:a", "unlinked:s"}


def test_an_ack_without_offset_and_error_is_one_of_acks_0_if_another_client_is_told_offsets(outcome):
    """SEND s 0 X; ACK a 5 offset -1 X; SEND s2 20 Y by q; ACK a2 25 offset 7 by q; CONSUME c 30 offset 7 Y."""
    assert outcome.findings == {}


def test_a_producer_that_asks_for_no_answer_is_healthy(outcome):
    """SEND s 0 X; ACK a 1 offset -1 X; CONSUME c 10 offset 5 X."""
    assert outcome.findings == {}
    assert outcome.records["c"]["durationMs"] == 10


def test_a_java_producer_that_asks_for_no_answer_is_healthy_though_its_acks_name_nothing(outcome):
    """
    SEND s 0 X; ACK a 1 offset -1; CONSUME c 10 offset 5 X; SEND s2 20 Y;
    ACK a2 21 offset -1; CONSUME c2 30 offset 6 Y.
    """
    assert outcome.findings == {}


def test_a_producer_that_is_told_offsets_and_lost_one_ack_is_unacked(outcome):
    """
    SEND s 0 X; ACK a 1 offset -1; SEND s2 20 Y; ACK a2 21 offset 6;
    CONSUME c 10 offset 5 X; CONSUME c2 30 offset 6 Y.
    """
    assert outcome.findings.keys() == {"send-failed:a", "unacked:s:0:5"}


def test_a_failed_ack_does_not_use_up_its_send(outcome):
    """SEND s 0 2; ACK a 10 -1/-1 2 error=TimeoutException; CONSUME c 50 2 offset 0."""
    assert outcome.records["s"]["offset"] == 0
    assert outcome.records["c"]["durationMs"] == 50
    failed = outcome.findings["send-failed:a"]
    assert (failed["partition"], failed["offset"], failed["inLog"]) == (0, 0, True)
    assert outcome.reasons() == {"send-failed"}


def test_a_producer_that_sends_again_after_a_timeout_has_both_messages_in_the_log(outcome):
    """
    SEND s 0 2; ACK a 10 -1/-1 2 error=TimeoutException; SEND s2 20 2; ACK a2 30 offset 1 2; CONSUME c 50 2 offset 0;
    CONSUME c2 60 2 offset 1
    """
    assert (outcome.records["s"]["offset"], outcome.records["s2"]["offset"]) == (0, 1)
    assert outcome.findings["send-failed:a"]["inLog"] is True
    assert outcome.findings.keys() == {"send-failed:a", "duplicate-produced:t:2:0:0"}


def test_a_producer_that_sends_again_after_a_true_failure_has_one_message_in_the_log(outcome):
    """
    SEND s 0 2; ACK a 10 -1/-1 2 error=TimeoutException; SEND s2 20 2;
    ACK a2 30 offset 0 2; CONSUME c 50 2 offset 0.
    """
    assert outcome.records["s2"]["offset"] == 0
    assert "offset" not in outcome.records["s"]
    assert outcome.findings.keys() == {"send-failed:a"}
    assert "inLog" not in outcome.findings["send-failed:a"]


def test_a_send_is_not_placed_where_its_own_client_read_before_it_was_sent(outcome):
    """
    CONSUME c1 10 offset 5 X by svc-1; SEND s2 20 X by svc-1; ACK a2 22 offset 9 by svc-1; CONSUME c2 30 offset 9 X
    """
    assert outcome.records["s2"]["offset"] == 9
    assert (outcome.records["a2"]["durationMs"], outcome.records["c2"]["durationMs"]) == (2, 10)
    assert "durationMs" not in outcome.records["c1"]
    assert outcome.reasons() & {"negative-latency", "unacked", "unlinked"} == set()


def test_a_send_is_not_placed_where_its_own_client_read_before_even_if_no_other_place_is_known(outcome):
    """CONSUME c1 10 offset 5 X by svc-1; SEND s2 20 X by svc-1."""
    assert "offset" not in outcome.records["s2"]
    assert outcome.reasons() == {"unlinked"}


def test_a_send_is_placed_where_it_was_seen_later_if_two_places_are_known(outcome):
    """CONSUME c1 10 offset 5 X; SEND s2 20 X by svc-1; CONSUME c2 30 offset 9 X."""
    assert outcome.records["s2"]["offset"] == 9


def test_a_send_is_placed_where_another_client_read_it_earlier_if_no_other_place_is_known(outcome):
    """CONSUME c1 10 offset 5 X; SEND s 20 X; ACK a 21 offset 5."""
    assert outcome.records["c1"]["durationMs"] == -10
    assert outcome.reasons() == {"negative-latency"}


def test_a_trace_that_lies_twice_in_the_topic_counts_by_its_earliest_time(outcome):
    """
    SEND s 0 X written 900000; SEND s 0 X; CONSUME c 10 X offset 0; CONSUME c 10 X offset 0 written 700000;
    ACK a 5 offset 0
    """
    assert outcome.findings == {}
