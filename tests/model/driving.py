"""How a history comes to a run: any order, any bundles, time passing anywhere in between, failures."""

from random import Random

from tests.histories import START, Item
from tests.model.whole_run import WholeRun
from tests.pure_run import PureRun, small_journals
from transforms.state.waits import Waits

#: Shorter than the histories of `soups`.
SHORT = Waits(
    hold_send=800, hold_ack=300, hold_consume=300, hold_commit=200, commit_reorder=200, unacked=900, lost=500,
    unconsumed=1500, uncommitted=1000, consumption_buffer=400, stats_interval=250,
)  # fmt: skip

_MOST_FAILURES = 3


def drive(run: PureRun, items: list[Item], random: Random) -> None:
    """Items in any order, in any batches; packs delivered in any order, time passing in between."""
    shuffled = random.sample(items, len(items))
    with small_journals():
        while shuffled:
            batch, shuffled = _split(shuffled, len(items), random)
            _bundle(run, batch, random)
        run.finish()


def drive_with_failures(run: WholeRun, items: list[Item], random: Random) -> int:
    """As `drive`, with checkpoints; what came after the last is read again in another order. How often it failed."""
    shuffled, failures = random.sample(items, len(items)), 0
    since: list[Item] = []
    with small_journals():
        run.keep()
        while shuffled:
            batch, shuffled = _split(shuffled, len(items), random)
            since += batch
            _bundle(run, batch, random)
            if random.random() < 0.3:
                run.keep()
                since = []
            elif failures < _MOST_FAILURES and random.random() < 0.3:
                failures += 1
                run.fail()
                shuffled = random.sample(since + shuffled, len(since) + len(shuffled))
                since = []
        run.finish()
    return failures


def _split(items: list[Item], whole: int, random: Random) -> tuple[list[Item], list[Item]]:
    size = random.randint(1, max(2, whole // random.choice([1, 5, 30])))
    return items[:size], items[size:]


def _bundle(run: PureRun, batch: list[Item], random: Random) -> None:
    run.feed(batch)
    run.deliver(some=True)
    if random.random() < 0.3:
        run.pass_time(START + random.randint(0, 900_000), orderly=False)
