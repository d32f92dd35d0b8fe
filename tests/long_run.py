"""The long run: as many generated histories as you have patience for, each compared with the reference.

`python -m tests.long_run --histories 10000` plays them in turns of 100, each with a seed of its own. A mismatch is
shrunk and printed with the command that plays its turn again; the exit code is then 1. Progress goes to stderr.
"""

import sys
import time
import traceback
from itertools import cycle, islice

import click
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.model.worlds import WORLDS

TURN = 100
#: Of so many turns each world gets its share: facts shrink best and cost least.
_ORDER = (*["facts"] * 4, "traffic", *["facts"] * 4, "twins", *["facts"] * 4, "shell")
_GIVE_UP_AFTER = 5


@click.command(help=__doc__)
@click.option("--histories", default=10_000, show_default=True, help="How many, in turns of 100.")
@click.option("--seed", "first", default=0, show_default=True, help="Of the first turn; each later one is one more.")
@click.option("--world", type=click.Choice(list(WORLDS)), help="Only this one.")
def main(histories: int, first: int, world: str | None) -> None:
    names = (
        [world] * -(-histories // TURN) if world else list(islice(cycle(_ORDER), first, first + -(-histories // TURN)))
    )
    started, played, mismatches = time.monotonic(), 0, 0
    for number, name in enumerate(names, start=first):
        mismatches += not _turn(name, number, min(TURN, histories - played))
        played += min(TURN, histories - played)
        click.echo(
            f"{played} of {histories} histories, {mismatches} turns with a mismatch; played {name} with seed {number}, "
            f"{time.monotonic() - started:.0f} s",
            err=True,
        )
        if mismatches >= _GIVE_UP_AFTER:
            break
    click.echo(f"{played} histories, {mismatches} turns with a mismatch")
    sys.exit(1 if mismatches else 0)


def _turn(name: str, number: int, histories: int) -> bool:
    """One turn; whether all its histories ended as they should."""
    cases, play = WORLDS[name]
    how = settings(
        max_examples=histories,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    run = how(seed(number)(given(**cases)(play)))
    try:
        run()
    except Exception:  # noqa: BLE001  whatever a history brings up
        click.echo(traceback.format_exc())
        click.echo(f"Again: python -m tests.long_run --world {name} --seed {number} --histories {histories}\n")
        return False
    return True


if __name__ == "__main__":
    main()
