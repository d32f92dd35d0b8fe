"""Each verdict and its near misses, in order of time and in any order, with restores."""

from functools import partial
from random import Random
from typing import Any

import orjson
import pytest

from pipeline.topic_names import followed
from tests.pure_run import PureRun, final_findings
from tests.test_schemas import check
from tests.verdict_cases import (
    BLOCK_SIZE,
    COMPACTED_TOPICS,
    DAY,
    END,
    MINUTE,
    SCENE,
    Placed,
    missing_fields,
    scene_items,
)
from transforms.findings import findings
from transforms.state.addresses import JOIN, LOCATE

EACH_CASE = pytest.mark.parametrize("placed", SCENE, ids=[placed.case.name for placed in SCENE])


def new_run(**options: Any) -> PureRun:
    run = PureRun(block_size=BLOCK_SIZE, **options)
    run.make[LOCATE] = partial(run.make[LOCATE], is_read=lambda topic: topic.startswith("read-"))
    run.make[JOIN] = partial(run.make[JOIN], is_compacted=followed(COMPACTED_TOPICS, ""))
    return run


@pytest.fixture(scope="module")
def in_order() -> PureRun:
    """A run in order of time: the findings of each moment are told before the facts of the next minute come."""
    run, now = new_run(), 0
    for item in scene_items():
        if item.timestamp // MINUTE > now // MINUTE:
            run.pass_time(item.timestamp)
        now = item.timestamp
        run.feed([item])
        run.deliver()
    run.pass_time(END)
    run.finish()
    return run


@pytest.fixture(scope="module", params=range(3))
def shuffled(request: pytest.FixtureRequest) -> PureRun:
    """A run in any order, where views are rebuilt now and then, and time passes in between."""
    random = Random(request.param)  # noqa: S311
    run = new_run(random=random, restores=0.2)
    items = scene_items()
    random.shuffle(items)
    now = END - 2 * DAY
    while items:
        size = random.randint(1, 200)
        run.feed(items[:size])
        del items[:size]
        run.deliver(some=True)
        now = random.randint(now, END - MINUTE)
        run.pass_time(now, orderly=random.random() < 0.5)
    run.finish()
    return run


def judge(placed: Placed, run: PureRun) -> None:
    """The case has the findings that it should have, and no others."""
    found = {value["id"]: value for value in placed.own(run.final_findings(END).values())}
    assert set(placed.case.found) == set(found)
    assert missing_fields(placed.case.found, found) == {}


@EACH_CASE
def test_a_history_in_order_gives_its_findings_and_no_others(placed, in_order):
    judge(placed, in_order)


@EACH_CASE
def test_the_order_of_arrival_does_not_matter(placed, shuffled):
    judge(placed, shuffled)


@EACH_CASE
def test_what_is_told_too_early_is_resolved(placed, in_order):
    told = placed.own(orjson.loads(found.value) for found in in_order.findings)
    closed = {value["id"] for value in told if "resolved" in value}
    assert closed == set(placed.case.resolves)
    assert all(value["id"] in {open_["id"] for open_ in told if "resolved" not in open_} for value in told)


@pytest.mark.parametrize("placed", [placed for placed in SCENE if placed.case.waits], ids=lambda one: one.case.name)
def test_one_more_millisecond_gives_the_finding(placed, in_order):
    assert placed.own(in_order.final_findings(END).values()) == []
    assert placed.own(in_order.final_findings(END + 1).values()) != []


def test_every_finding_is_as_its_schema_says(in_order, shuffled):
    for run in (in_order, shuffled):
        for found in run.findings:
            check("trace-anomaly", orjson.loads(found.value), orjson.loads(found.key))


def test_every_verdict_has_a_case():
    reasons = {name: value for name, value in vars(findings).items() if name.isupper() and isinstance(value, str)}
    shown = {identity.partition(":")[0] for placed in SCENE for identity in placed.case.found}
    elsewhere = {findings.EVICTED, findings.INPUT_LOST, findings.LOG_RESTARTED, findings.STALLED}
    assert set(reasons.values()) - shown == elsewhere


def test_views_were_rebuilt_on_the_way(shuffled):
    assert shuffled.rebuilt > 100
    assert final_findings(found.value for found in shuffled.findings)
