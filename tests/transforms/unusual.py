"""Plays the history in a test's docstring in every order of its facts, and through Beam; all must end the same."""

from itertools import islice, permutations
from typing import Any, NamedTuple
from uuid import uuid4

import orjson

from pipeline.config.settings import Settings
from pipeline.graph import Sinks, build
from pipeline.sinks import WriteToMemory
from pipeline.sources import MemorySource
from runners.direct import run_graph
from tests.histories import START
from tests.history_lines import history
from tests.model.checks import check_revisions, check_tallies, restarts_merged
from tests.pipeline.test_graph import tracing_record
from tests.pure_run import PureRun, final_findings, final_records
from tests.reference import expected
from tests.reference_tallies import Tally, TallyKey
from transforms.input.traces import Trace

Json = dict[str, Any]
_BLOCK_SIZE = 8
_MOST_ORDERS = 720


class Outcome(NamedTuple):
    """The last records and the open findings, by id, the tallies, and what the batch wrote to `_traceStats`."""

    records: dict[str, Json]
    findings: dict[str, Json]
    tallies: dict[TallyKey, Tally]
    stats: list[Json]

    def reasons(self) -> set[str]:
        """The reasons of the open findings."""
        return {value["reason"] for value in self.findings.values()}


def play(text: str) -> Outcome:
    """What remains of this history."""
    traces = history(text)
    reference = expected(traces, block_size=_BLOCK_SIZE)
    for number, order in enumerate(islice(permutations(traces), _MOST_ORDERS)):
        run = _run(order, slow=number % 2 == 0)
        assert run.final_records() == reference.records
        check_revisions(run.records)
        assert run.final_findings() == reference.findings
        check_tallies(run, reference.tallies)
    stats = _through_beam(traces)
    records = {identity: value for identity, (_, value) in reference.records.items()}
    return Outcome(records, reference.findings, reference.tallies, stats)


def _run(order: tuple[Trace, ...], *, slow: bool) -> PureRun:
    """Fact by fact; `slow` lets all holds end in between."""
    run, now = PureRun(block_size=_BLOCK_SIZE), START
    for trace in order:
        run.feed([trace])
        run.deliver()
        now = max(now, trace.timestamp)
        run.pass_time(now + 600_000 if slow else now)
    run.finish()
    return run


def _through_beam(traces: list[Trace]) -> list[Json]:
    """A batch; its records of statistics."""
    reference = expected(traces, block_size=_BLOCK_SIZE, end=max(trace.timestamp for trace in traces))
    names = [str(uuid4()) for _ in Sinks._fields]
    settings = Settings(block_size=_BLOCK_SIZE, locate_shards=8)
    source = MemorySource([tracing_record(trace, 0) for trace in traces], [])
    run_graph(lambda pipeline: build(pipeline, source, Sinks(*map(WriteToMemory, names)), settings))
    written = dict(zip(Sinks._fields, (WriteToMemory.records.pop(name, []) for name in names), strict=True))
    assert written["dead_letters"] == []
    records = [(orjson.loads(key), orjson.loads(value)) for key, value in written["traces"]]
    assert final_records(records) == reference.records
    assert final_findings(value for _, value in written["findings"]) == restarts_merged(reference.findings)
    return [orjson.loads(value) for _, value in written["stats"]]
