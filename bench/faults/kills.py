"""Kills everything at random moments while traces flow, and counts what came out: `python -m bench.faults.kills`.

Sixty-four partitions, checkpoints every two seconds. Each kill is SIGKILL to the run and to every process below it; the
next run resumes from the newest snapshot. In the end each id must be out, and each trace joined with its partners.
"""

import random
import sys
import time
from typing import NamedTuple

import click

from bench.aggregator import DESIGN, Aggregator
from bench.bed import test_bed
from bench.console import Say, command, console
from bench.generate import SECOND, Traffic
from bench.outputs import Outputs
from bench.preload import Feeder
from transforms.input.records import ACK, COMMIT, CONSUME, SEND

PARTITIONS = 64
SETTINGS = {"checkpoint.interval.ms": "2000", "hold.consume.ms": "600000"}
#: How long a run lives after it began to process.
LIVES_S = (1.0, 8.0)
REST_S = 300
#: What a partner gives.
JOINED = {SEND: "offset", ACK: "durationMs", CONSUME: "durationMs", COMMIT: "correlationId"}


class Kills(NamedTuple):
    """What came of it: ids written and ids that came out joined, and records beyond one per id."""

    times: int
    traces: int
    joined: int
    twice: int


def measure(times: int, rate: int, seconds: int, say: Say, seed: int = 1) -> Kills:
    """So many kills within traffic of `rate` traces/s for `seconds`."""
    chance = random.Random(seed)  # noqa: S311  repeatable, not secret
    with test_bed(Traffic(0, 0), SETTINGS, say) as bed:
        settings = bed.settings("kills", PARTITIONS)
        folder = bed.run_folder(settings)
        traffic = Traffic(rate * seconds // 4, time.time_ns() + SECOND, 4 * SECOND // rate, partitions=16)
        with Outputs(bed.servers, [settings["aggregated.topic"]]) as outputs:
            with Feeder(bed.servers, "kills", traffic.traces()):
                for number in range(times):
                    with Aggregator(DESIGN, settings, folder) as run:
                        run.wait_until_running()
                        time.sleep(chance.uniform(*LIVES_S))
                        run.kill()
                    say(f"Killed {number + 1} of {times} times.")
            with Aggregator(DESIGN, settings, folder) as run:
                run.wait_until_running()
                run.wait_until(lambda: len(set(_joined(outputs))) >= traffic.outputs, REST_S)
            joined = _joined(outputs)
    return Kills(times, traffic.outputs, len(set(joined)), len(joined) - len(set(joined)))


def _joined(outputs: Outputs) -> list[str]:
    """The id of each record that has what a partner gives."""
    return [seen.value["id"] for seen in outputs.since(0) if JOINED[seen.value["type"]] in seen.value]


@command
@click.option("--times", type=click.IntRange(min=1), default=10, help="How often everything is killed.")
@click.option("--rate", type=click.IntRange(min=4), default=1000, help="Traces a second.")
@click.option("--seconds", type=click.IntRange(min=10), default=150, help="How long they flow.")
@click.option("--seed", type=int, default=1, help="Of the moments at which it is killed.")
def main(times: int, rate: int, seconds: int, seed: int) -> None:
    """Kill the run and all below it, again and again, and see that nothing is lost."""
    kills = measure(times, rate, seconds, console(), seed)
    click.echo(f"{kills.times} kills: {kills.joined} of {kills.traces} traces joined, {kills.twice} records twice.")
    sys.exit(kills.joined != kills.traces)


if __name__ == "__main__":
    main()
