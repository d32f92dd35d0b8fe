"""`python -m tests.fuzz TARGET [--seconds 60]`: atheris looks for input that breaks a target, guided by coverage.

Needs `pip install atheris` (Linux). What it finds lies in `crash-…` and is played again with
`python -m tests.fuzz TARGET --input FILE`. Interesting inputs are kept below `.fuzz/TARGET`.
"""

import sys
from pathlib import Path

import click

NAMES = ("trace", "batch", "envelope", "file", "date", "configuration", "request", "output", "scrape")


@click.command(help=__doc__)
@click.argument("target", type=click.Choice(NAMES))
@click.option("--seconds", default=60, show_default=True)
@click.option("--input", "again", type=click.Path(path_type=Path, exists=True), help="Play this one only.")
def main(target: str, seconds: int, again: Path | None) -> None:
    if again is not None:
        from tests.fuzz.targets import TARGETS

        TARGETS[target](again.read_bytes())
        click.echo("nothing breaks")
        return
    try:
        import atheris
    except ImportError:
        sys.exit("There is no atheris here. Get it: pip install atheris")
    with atheris.instrument_imports(
        include=["transforms", "pipeline", "tracing_aggregator.dashboard", "tracing_aggregator.metrics"]
    ):
        from tests.fuzz.targets import TARGETS
    corpus = Path(".fuzz") / target
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = Path(__file__).parents[1] / "data" / "real_traces.jsonl"
    if not any(corpus.iterdir()):
        for number, line in enumerate(seeds.read_bytes().splitlines()[:40]):
            (corpus / f"real-{number}").write_bytes(line)
    atheris.Setup([sys.argv[0], str(corpus), f"-max_total_time={seconds}", "-max_len=4096"], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
