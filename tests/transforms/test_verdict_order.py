"""Verdicts that once depended on the order of arrival, or on which of several facts was looked at."""

from itertools import permutations

import pytest

from tests.histories import START, Item, any_trace
from tests.pure_run import PureRun
from tests.reference import expected
from transforms.input.records import ACK, COMMIT, CONSUME, SEND
from transforms.state.waits import Waits


def run_of(items: tuple[Item, ...], *, waits: Waits | None = None) -> PureRun:
    """Item by item, in this order, then all time passes."""
    run = PureRun(block_size=4, waits=waits)
    for item in items:
        run.feed([item])
        run.deliver()
        run.pass_time(START + 20_000)
    run.finish()
    return run


def ends_as_the_reference_says(*items: Item, waits: Waits | None = None) -> dict[str, dict[str, object]]:
    """The findings, the same in every order of arrival."""
    findings = expected(items, block_size=4, waits=waits).findings
    for order in permutations(items):
        assert run_of(order, waits=waits).final_findings() == findings
    return findings


def read(identity: str, at: int, offset: int = 0, **fields: object) -> Item:
    return any_trace(type=CONSUME, id=identity, at=at, offset=offset, correlation_id=identity, **fields)


def test_a_commit_beyond_a_block_in_which_its_group_read_nothing_is_known_there_in_no_order():
    acks = any_trace(type=ACK, id="a", at=10, offset=5)
    findings = ends_as_the_reference_says(read("c", 0), acks, any_trace(type=COMMIT, id="k", at=50, offset=5))
    assert not any(found.startswith("unconsumed") for found in findings)


def test_a_commit_between_any_earlier_delivery_and_this_one_makes_it_a_rewind():
    commit = any_trace(type=COMMIT, id="k", at=10)
    findings = ends_as_the_reference_says(read("c1", 0), commit, read("c2", 20), read("c3", 30, client_id="other"))
    assert findings["over-consumed:c3"]["cause"] == "rewind"


@pytest.mark.parametrize("client", ["client", "other"])
def test_a_late_commit_names_its_last_delivery_and_says_so_once(client):
    waits = Waits(commit_reorder=10, hold_commit=10)
    commit = any_trace(type=COMMIT, id="k", at=10)
    reads = [read(name, at, timestamp=START + 900 + at, client_id=client) for name, at in (("c1", 0), ("c2", 5))]
    findings = ends_as_the_reference_says(*reads, commit, waits=waits)
    assert findings["late:k:0"]["correlationId"] == "c2"
    run = run_of((*reads, commit), waits=waits)
    assert [found.id for found in run.findings].count("late:k:0") == 1


def test_a_send_that_moved_elsewhere_does_not_say_when_a_message_was_first_seen():
    sent = any_trace(type=SEND, id="s", at=0, correlation_id="x")
    elsewhere = any_trace(type=ACK, id="a0", at=300, offset=0, correlation_id="x")
    here = any_trace(type=CONSUME, id="d", at=4_000, offset=1, correlation_id="x", group_id="other")
    findings = ends_as_the_reference_says(sent, here, elsewhere, read("c", 400, 2), read("e", 200, 0))
    assert findings["unconsumed:group:topic:0:1"]["deadline"] == "2026-01-01T00:10:04.000Z"
