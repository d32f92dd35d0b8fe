"""Groups that are unusual: each history in every order and through Beam."""

import pytest

from tests.transforms.unusual import Outcome, play


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """What remains of the history in the docstring of the test."""
    return play(request.function.__doc__)


def test_a_consumer_without_a_group_is_timed_and_places_its_message(outcome):
    """SEND s 0 X; ACK a 3 offset 7; CONSUME c 10 X offset 7 group -."""
    assert outcome.records["s"]["offset"] == 7
    assert outcome.records["a"]["correlationId"] == "X"
    assert (outcome.records["c"]["durationMs"], outcome.records["c"]["groupId"]) == (10, "")
    assert outcome.findings == {}
    [group] = [record for record in outcome.stats if record["kind"] == "group"]
    assert (group["groupId"], group["actual"], group["commits"]) == ("", 1, "none seen")


def test_nothing_is_asked_of_consumers_without_a_group(outcome):
    """
    ACK a0 1 offset 0; ACK a1 2 offset 1; ACK a2 3 offset 2; CONSUME c0 10 X offset 0 group -;
    CONSUME c2 20 Z offset 2 group -; CONSUME d2 30 Z offset 2 group - by another
    """
    assert outcome.reasons() == {"unlinked"}


def test_a_commit_in_the_very_millisecond_of_a_redelivery_came_after_it(outcome):
    """CONSUME c1 10 X offset 3; CONSUME c2 20 X offset 3; COMMIT a 20 offset 3."""
    assert outcome.findings["over-consumed:c2"]["cause"] == "redelivery"


def test_two_commits_in_one_millisecond_are_in_order_of_their_offsets(outcome):
    """COMMIT b 20 offset 3; COMMIT a 20 offset 5."""
    assert outcome.findings == {}


def test_a_commit_that_is_dated_later_and_lies_below_is_a_rewind(outcome):
    """COMMIT b 21 offset 3; COMMIT a 20 offset 5."""
    assert outcome.findings.keys() == {"rewound:b"}


def test_an_ack_that_nothing_names_says_when_its_message_was_produced_if_it_knows(outcome):
    """ACK a 20 offset 3 record 12."""
    assert outcome.findings["unlinked:a"]["producedAt"] == "2026-01-01T00:00:00.012Z"


def test_a_commit_that_lies_twice_in_the_topic_counts_by_its_earliest_time(outcome):
    """
    SEND s 0 X; ACK a 1 offset 3; CONSUME c 10 X offset 3 written 40000; COMMIT k 20 offset 3 written 60000;
    COMMIT k 20 offset 3
    """
    assert outcome.records["k"]["durationMs"] == 10
    assert outcome.findings["late:k:3"]["type"] == "COMMIT"


def test_a_commit_at_an_offset_that_nobody_read_keeps_its_offset_across_blocks(outcome):
    """SEND s 0 X; ACK a 1 offset 6; CONSUME c 10 X offset 6; COMMIT k 20 offset 9."""
    assert (outcome.records["k"]["offset"], outcome.records["k"].get("durationMs")) == (9, None)
    assert (outcome.records["k:6"]["settledBy"], outcome.records["k:6"]["durationMs"]) == (9, 10)


def test_a_member_that_took_over_from_one_whose_clock_is_ahead_made_no_rewind(outcome):
    """
    CONSUME c1 2010 X offset 3 by ahead; COMMIT k1 2020 offset 3 by ahead; CONSUME c2 50 Y offset 4 by other;
    COMMIT k2 60 offset 4 by other
    """
    assert outcome.findings == {}


def test_a_message_that_another_member_committed_is_not_uncommitted_because_a_clock_is_ahead(outcome):
    """CONSUME c1 2010 X offset 3 by ahead; CONSUME c2 50 X offset 3 by other; COMMIT k 60 offset 3 by other."""
    assert outcome.findings.keys() == {"over-consumed:c1"}


def test_a_message_that_only_one_whose_clock_is_ahead_read_is_committed_by_another(outcome):
    """CONSUME c 2010 X offset 3 by ahead; COMMIT k 60 offset 6 by other."""
    assert outcome.findings == {}


def test_a_commit_that_is_dated_long_before_the_last_delivery_does_not_cover_it(outcome):
    """CONSUME c1 0 X offset 3 by one; COMMIT k 10 offset 3 by one; CONSUME c2 5010 X offset 3 by other."""
    assert outcome.findings.keys() == {"over-consumed:c2", "uncommitted:g:t:0:3"}


def test_a_group_that_goes_back_under_another_member_is_found_once_no_clock_explains_it(outcome):
    """
    COMMIT a 10 offset 59 by one; COMMIT b 2000 offset 30 by other; COMMIT c 6000 offset 40 by other;
    COMMIT d 7000 offset 50 by other
    """
    assert {name: value["fromOffset"] for name, value in outcome.findings.items()} == {"rewound:c": 59}


def test_a_member_that_goes_back_itself_is_found_at_once_whatever_another_does_meanwhile(outcome):
    """COMMIT a 10 offset 59 by one; COMMIT b 12 offset 70 by other; COMMIT c 20 offset 30 by one."""
    assert {name: value["fromOffset"] for name, value in outcome.findings.items()} == {"rewound:c": 59}


def test_a_member_that_takes_over_after_its_group_went_back_did_not_go_back_itself(outcome):
    """COMMIT a 0 offset 59 by one; COMMIT b 4000 offset 39 by one; COMMIT c 6000 offset 45 by other."""
    assert {name: value["fromOffset"] for name, value in outcome.findings.items()} == {"rewound:b": 59}
