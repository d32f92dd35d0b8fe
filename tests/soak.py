"""The soak: days of event time through the whole core, at the speed of this machine.

`python -m tests.soak --days 5` plays hour after hour of traffic with everything that can go wrong, lets all waits end
as time passes, and writes a table: what each kind of view holds while traffic flows, and what is left when it ended.
Exit code 1: state or memory grew from day to day, or something was left.
"""

import gc
import sys
import threading
import tracemalloc
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import click

from tests.histories import START, HeaderLink, Item, changed, date_at
from tests.model.whole_run import WholeRun
from tests.simulated import Plan, traffic
from transforms.input import dates
from transforms.input.traces import Send
from transforms.state import addresses
from transforms.state.journal import MIN_REWRITE_BYTES
from transforms.state.waits import Waits
from transforms.stats import latency_sketch

_HOUR = 3_600_000
#: Days may differ by this much: traffic is drawn by lot.
_TOLERANCE = 1.15
_OFFSETS = 100_000


class Sample(NamedTuple):
    """What there is at one time: views, journal bytes and facts by kind, and what the process holds."""

    views: Counter[str]
    bytes: Counter[str]
    facts: Counter[str]
    memory: int
    threads: int
    files: int


class Soak:
    """A run of `hours` that goes on for ever: `play` them one by one."""

    def __init__(self, waits: Waits, hour: int = _HOUR, messages: int = 20) -> None:
        self._hour = hour
        self._messages = messages
        self._run = WholeRun(waits=waits, block_size=16, random=Random(1))  # noqa: S311  repeatable
        self._hours = 0

    def play(self) -> None:
        """One hour more."""
        number, self._hours = self._hours, self._hours + 1
        items = [_moved(item, number, self._hour) for item in _an_hour(number % 5, self._messages)]
        for start in range(0, len(items), 40):
            self._run.feed(items[start : start + 40])
            self._run.deliver()
            self._run.pass_time(items[start].timestamp)
        self._run.pass_time(START + self._hours * self._hour)
        self._clear()

    def end(self) -> None:
        """No more traffic; all waits end."""
        self._run.finish()
        self._clear()

    def sample(self) -> Sample:
        """What there is now. Caches that have a bound are emptied first."""
        for cached in (
            addresses.commits_key, addresses.block_key, addresses.partition_key, dates._seconds, dates._second,
            latency_sketch._key,
        ):  # fmt: skip
            cached.cache_clear()
        gc.collect()
        views, size, facts = Counter[str](), Counter[str](), Counter[str]()
        for (kind, key), bag in list(self._run.bags.items()):
            views[kind] += 1
            size[kind] += sum(len(segment.content) for segment in bag.segments)
            facts[kind] += self._run.open(kind, key)[0].view.size()
        memory, _ = tracemalloc.get_traced_memory()
        return Sample(views, size, facts, memory, threading.active_count(), open_files())

    def _clear(self) -> None:
        """Forget what was written: it is on topics now."""
        for written in (*self._run._topics(), self._run.lost):
            written.clear()
        bags = self._run.bags
        for address in [address for address, bag in bags.items() if not bag.segments]:
            del bags[address]


@cache
def _an_hour(seed: int, messages: int) -> list[Item]:
    return traffic(
        Plan(seed, messages, rebalances=0.05, aborted=0.05, retries=0.05, jumps=0.02, delay_ms=20_000, seeks=0.02)
    )


def _moved(item: Item, number: int, hour: int) -> Item:
    """The item so many hours later: other messages of the same clients, groups and topics."""
    later = number * hour
    fields: dict[str, Any] = {"correlation_id": item.correlation_id and f"{number}.{item.correlation_id}"}
    fields["timestamp"] = item.timestamp + later
    if not isinstance(item, Send):
        fields["offset"] = item.offset + number * _OFFSETS if item.offset >= 0 else item.offset
    if not isinstance(item, HeaderLink):
        nanos = item.nanos + later * 10**6
        fields |= {"id": f"{number}.{item.id}", "date": date_at(nanos, 9), "nanos": nanos, "extra": None}
    return changed(item, **fields)


def open_files() -> int:
    """How many files this process has open; 0 where the system does not say."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def children() -> int:
    """How many processes this one has started that are there still."""
    return sum(len(task.read_text().split()) for task in Path("/proc/self/task").glob("*/children"))


def growth(before: Sample, after: Sample) -> list[str]:
    """What has grown by more than chance between two samples of the same hour of the day."""
    found = [
        f"{what} of {kind}: {old[kind]} before, {new[kind]} now"
        for what, old, new, spare in (
            ("views", before.views, after.views, 0),
            ("facts", before.facts, after.facts, 0),
            (
                "bytes",
                before.bytes,
                after.bytes,
                MIN_REWRITE_BYTES,
            ),  # a journal grows by so much before it is rewritten
        )
        for kind in new
        if new[kind] > old[kind] * _TOLERANCE + 10 + spare * after.views[kind]
    ]
    if after.memory > before.memory * _TOLERANCE:
        found.append(f"memory: {before.memory} before, {after.memory} now")
    if (after.threads, after.files) > (before.threads, before.files):
        found.append(f"threads and files: {before[-2:]} before, {after[-2:]} now")
    return found


@click.command(help=__doc__)
@click.option("--days", default=5, show_default=True, help="Of event time; at least 3.")
@click.option("--messages", default=20, show_default=True, help="An hour.")
def main(days: int, messages: int) -> None:
    tracemalloc.start()
    soak, samples = Soak(Waits(), messages=messages), []
    start = soak.sample()
    for day in range(days):
        for _ in range(24):
            soak.play()
        samples.append(soak.sample())
        click.echo(f"day {day + 1}: {samples[-1].views.total()} views, {samples[-1].memory // 1024} kB", err=True)
    soak.end()
    floor = soak.sample()
    click.echo("| views of | number | journal bytes each | facts each |\n|---|---|---|---|")
    steady = samples[-1]
    for kind, number in sorted(steady.views.items()):
        click.echo(f"| {kind} | {number} | {steady.bytes[kind] // number} | {steady.facts[kind] / number:.1f} |")
    click.echo(f"\nLeft at the end: {floor.views.total()} views, {(floor.memory - start.memory) // 1024} kB.")
    grown = growth(samples[2], steady)  # on the third day the first is forgotten for good
    grown += ["state is left"] if floor.views else []
    click.echo("\n".join(grown or ["Nothing grows."]))
    sys.exit(1 if grown else 0)


if __name__ == "__main__":
    main()
