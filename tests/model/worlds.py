"""Worlds: kinds of generated histories, each with a run that must end as the reference says.

`facts` are a few facts drawn one by one, `traffic` is a simulated cluster. `twins` compares every view at every step
with one that is built again from its journal, `shell` plays through Beam's own state cache, with bundles that fail.
Tests play some of each, `python -m tests.long_run` as many as it is told.
"""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.histories import START, Item, soups
from tests.model.checks import check_counts, check_join, check_topics
from tests.model.driving import SHORT, drive, drive_with_failures
from tests.model.twin_run import TwinRun
from tests.model.whole_run import WholeRun
from tests.reference import expected
from tests.shell_run import MEGABYTE, ShellRun
from tests.simulated import Plan, plans, traffic

_SEEDS = st.integers(0, 2**32)
_BLOCKS = st.sampled_from([1, 2, 4, 8])


class World(NamedTuple):
    """What is drawn, by the names of the parameters of `play`, which raises AssertionError at a mismatch."""

    cases: dict[str, st.SearchStrategy[Any]]
    play: Callable[..., None]


def play_facts(
    items: list[Item], seed: int, block_size: int, *, short: bool, exact: bool, burst: int, failing: bool
) -> None:
    """A few facts, with usual or short waits; `burst` findings of a minute are written singly."""
    options: dict[str, Any] = {"block_size": block_size, "exact": exact, "waits": SHORT if short else None}
    random = Random(seed)  # noqa: S311  repeatable
    restores = random.choice([0.0, 0.3, 1.0])
    run = WholeRun(random=random, restores=restores, burst=burst, **options)
    _play(run, items, random, failing=failing, **options)


def play_traffic(plan: Plan, seed: int, block_size: int, *, failing: bool) -> None:
    """The traffic of a cluster."""
    items = traffic(plan)
    if items:
        random = Random(seed)  # noqa: S311
        run = WholeRun(random=random, restores=random.choice([0.0, 0.3, 1.0]), block_size=block_size)
        _play(run, items, random, failing=failing, block_size=block_size)


def play_twins(plan: Plan, seed: int, block_size: int, *, short: bool) -> None:
    """The traffic of a cluster; at every step each view is compared with one that is built again from its journal."""
    items = traffic(plan)
    if items:
        random = Random(seed)  # noqa: S311
        waits = SHORT if short else None
        run = TwinRun(random=random, block_size=block_size, waits=waits)
        drive(run, items, random)
        check_topics(run, expected(items, block_size=block_size, waits=waits))


def play_shell(
    plan: Plan, seed: int, block_size: int, cache: int, bundle: int, failures: float, page: int, *, tokens: bool
) -> None:
    """The traffic of a cluster through KeepView, with a state cache of this size and bundles that fail."""
    items = traffic(plan)
    if items:
        random = Random(seed)  # noqa: S311
        options: dict[str, Any] = {"cache": cache, "bundle": bundle, "failures": failures, "page": page}
        run = ShellRun(random=random, block_size=block_size, tokens=tokens, **options)
        drive(run, items, random)
        check_join(run, items, expected(items, block_size=block_size))


def _play(run: WholeRun, items: list[Item], random: Random, *, failing: bool, **options: Any) -> None:
    if failing:
        drive_with_failures(run, items, random)
    else:
        drive(run, items, random)
    reference = expected(items, **options)
    check_topics(run, reference)
    check_join(run, items, reference)
    check_counts(run, items)


WORLDS = {
    "facts": World(
        {
            "items": soups(stamp=START - 30_000), "seed": _SEEDS, "block_size": _BLOCKS, "short": st.booleans(),
            "exact": st.sampled_from([False, False, False, True]), "burst": st.sampled_from([1, 2, 100, 100]),
            "failing": st.booleans(),
        },
        play_facts,
    ),
    "traffic": World(
        {"plan": plans(st.integers(1, 40)), "seed": _SEEDS, "block_size": _BLOCKS, "failing": st.booleans()},
        play_traffic,
    ),
    "twins": World(
        {"plan": plans(st.integers(1, 25)), "seed": _SEEDS, "block_size": _BLOCKS, "short": st.booleans()}, play_twins
    ),
    "shell": World(
        {
            "plan": plans(st.integers(1, 30)), "seed": _SEEDS, "block_size": _BLOCKS,
            "cache": st.sampled_from([0, 20_000, 300_000, 100 * MEGABYTE]), "bundle": st.integers(1, 8),
            "failures": st.sampled_from([0.0, 0.2]), "page": st.sampled_from([1, 3, 1000]), "tokens": st.booleans(),
        },
        play_shell,
    ),
}  # fmt: skip
