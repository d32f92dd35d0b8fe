"""KeepView in Beam's own state cache: which path runs, and that no path changes the outputs."""

from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from tests.histories import START, any_trace
from tests.pure_run import PureRun, small_journals
from tests.reference import expected
from tests.shell_run import MEGABYTE, ShellRun
from tests.simulated import Plan, traffic
from transforms.input.records import ACK, CONSUME, SEND
from transforms.join import block_view
from transforms.state.addresses import JOIN

PLAN = Plan(5, 60)
RETENTION = 86_400_000


def played(run: PureRun, plan: Plan = PLAN, batch: int = 20, quiet: int = 1000) -> PureRun:
    """The traffic of a plan in order, time following it; blocks are let go after `quiet` ms without a fact."""
    items = traffic(plan)
    with small_journals(), patch.object(block_view, "QUIET", quiet):
        for start in range(0, len(items), batch):
            run.feed(items[start : start + batch])
            run.deliver()
            run.pass_time(items[start].timestamp)
        run.finish()
    return run


def any_shell(**options: Any) -> ShellRun:
    """A run through the shell with a cache that is large enough."""
    return ShellRun(**{"cache": 100 * MEGABYTE, "random": Random(1)} | options)  # noqa: S311


def same_records(one: PureRun, other: PureRun) -> bool:
    return sorted(map(str, one.records)) == sorted(map(str, other.records))


@pytest.mark.parametrize("cache", [0, 300_000, 100 * MEGABYTE])
@pytest.mark.parametrize("tokens", [True, False])
def test_no_size_of_the_cache_changes_the_outputs(cache, tokens):
    plain = played(PureRun())
    shell = played(any_shell(cache=cache, tokens=tokens))
    assert same_records(plain, shell)
    assert plain.final_findings() == shell.final_findings()
    assert plain.counts == shell.counts


def test_with_a_large_cache_no_view_is_ever_rebuilt_but_those_that_were_let_go():
    counts = played(any_shell(), quiet=2 * RETENTION).shell_counts
    assert counts["views_rebuilt"] == 0
    assert counts["views_cached"] > 100
    assert played(any_shell()).shell_counts["views_rebuilt"] > 10


def test_without_a_cache_every_view_that_has_a_journal_is_rebuilt():
    counts = played(any_shell(cache=0)).shell_counts
    assert counts["views_rebuilt"] > counts["views_cached"] > 0


def test_a_cache_that_is_too_small_drops_some_views_and_keeps_others():
    counts = played(any_shell(cache=300_000)).shell_counts
    assert counts["views_rebuilt"] > 20
    assert counts["views_cached"] > counts["views_rebuilt"]


def test_a_runner_without_cache_tokens_gets_rebuilt_views():
    assert played(any_shell(tokens=False)).shell_counts["views_rebuilt"] > 100


@pytest.mark.parametrize("cache", [0, 300_000, 100 * MEGABYTE])
def test_a_failed_bundle_leaves_no_trace_when_it_is_tried_again_with_another_token(cache):
    plain = played(PureRun())
    shell = played(any_shell(cache=cache, failures=0.3, bundle=5))
    assert {**plain.final_records()} == shell.final_records()
    assert expected(traffic(PLAN), block_size=4).records == shell.final_records()
    assert shell.shell_counts["views_rebuilt"] > 50


def test_nothing_is_left_in_the_state_after_retention():
    shell = played(any_shell())
    assert not any(shell.backend.segments.values())


def test_the_journal_is_rewritten_as_a_snapshot_when_it_has_grown():
    shell = played(any_shell())
    assert shell.shell_counts["snapshots"] > 10


def test_one_timer_waits_for_the_earliest_deadline_and_is_only_ever_set_to_an_earlier_one_before_it_fires():
    """Each time that a timer is set costs: one that fires too early is set anew then."""
    run = any_shell()
    address = (JOIN, b'["topic",0,0]')
    run.feed([any_trace(type=ACK, id="a", at=0, timestamp=START + 5_000)])
    run.deliver()
    assert run.due[address] == START + 10_000, "the block is judged"
    run.pass_time(START + 10_000)
    assert run.due[address] == START + 130_000, "the ACK is held no longer"
    run.feed([any_trace(type=CONSUME, id="c", at=11_000, correlation_id="x")])
    run.deliver()
    assert run.due[address] == START + 20_000
    run.feed([any_trace(type=SEND, id="s", at=-5, correlation_id="x", timestamp=START + 12_000)])
    run.deliver()
    assert [(value["id"], value.get("revision", 1)) for _, value in run.records] == [("s", 1), ("a", 1), ("c", 1)]
    assert run.due[address] == START + 20_000
    run.pass_time(START + 20_000)
    assert run.due[address] > START + 60_000
    run.finish()
    assert not any(run.backend.segments.values())
