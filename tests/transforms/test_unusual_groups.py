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
