import pytest

from bench.faults.kills import measure

pytestmark = [pytest.mark.integration, pytest.mark.flink]


def test_everything_may_be_killed_at_any_moment_and_each_trace_comes_out_joined():
    said: list[str] = []
    kills = measure(times=2, rate=400, seconds=25, say=said.append)
    assert kills.joined == kills.traces == 10_000, said
