"""`tracing-aggregator explain`: what happened to one message."""

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from pipeline.config.load import Config
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options, with_brokers
from tracing_aggregator.cli.quiet import quiet_beam

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracing_aggregator.explain.model import Timeline
    from tracing_aggregator.explain.sources import Outputs
    from tracing_aggregator.explain.subject import Subject


@click.command(
    epilog=examples(
        "tracing-aggregator explain e867aea9 -b localhost:9092",
        "tracing-aggregator explain orders/0/42 --since 2h",
        "tracing-aggregator explain orders-0@42 --traces traces.jsonl",
    )
)
@click.argument("subject", metavar="CORRELATION_ID|TOPIC/PARTITION/OFFSET")
@click.option(
    "--from",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Read the output folder of `replay --output` instead of Kafka.",
)
@click.option(
    "--traces",
    "files",
    metavar="FILE",
    multiple=True,
    help="Replay raw traces first, as `replay` does, instead of Kafka; once per file, - for stdin.",
)
@click.option(
    "--store",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Ask a dashboard's store instead of Kafka; that of a dashboard that runs is asked first in any case.",
)
@click.option(
    "--since", metavar="TIME", help="Read Kafka from this time on: 2026-01-31T12:00:00Z, or 90s, 15m, 2h, 1d."
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON document; docs/schemas/explain.json describes it.")
@config_options
@click.pass_context
def explain(
    ctx: click.Context,
    config: Config,
    subject: str,
    folder: Path | None,
    files: tuple[str, ...],
    store: Path | None,
    since: str | None,
    as_json: bool,
) -> None:
    """Show the timeline of one message: sent, acknowledged, read and committed by each group, and what is missing.

    The beginning of a correlationId is enough, and TOPIC-PARTITION@OFFSET is a position too.

    Reads the aggregated and the anomaly topic, unless --from, --traces or --store says otherwise. Ends with 1 if
    nothing is known of the message.
    """
    if sum(map(bool, (folder, files, store, since))) > 1:
        raise click.UsageError("Give one of --from, --traces, --store and --since: the last is for Kafka alone.")
    import orjson
    from rich.console import Console

    from tracing_aggregator.explain import sources
    from tracing_aggregator.explain.document import document
    from tracing_aggregator.explain.screen import show
    from tracing_aggregator.explain.seen import Seen
    from tracing_aggregator.explain.subject import subject_of

    asked = subject_of(subject)
    seen = Seen(asked)
    stored = None if folder or files or since else _stored(config, asked, store)
    if stored:
        shown, looked_at, why = stored
    else:
        with _outputs(config, folder, files, since) as outputs:
            shown = sources.explain(outputs, asked, seen)
            looked_at, why = outputs.looked_at, seen.why()
    if as_json:
        click.echo(orjson.dumps(document(shown, looked_at), option=orjson.OPT_INDENT_2))
    elif shown:
        show(Console(highlight=False), shown)
    if not shown:
        told = _nothing(f"{subject}.\n{why}", looked_at, config, since)
        click.echo(told if folder or files else with_brokers(told, config), err=True)
        ctx.exit(1)


def _stored(config: Config, subject: "Subject", store: Path | None) -> "tuple[Timeline, list[str], str] | None":
    """From the store that is named, or that of a dashboard that runs; None where only Kafka can tell.

    The last is why nothing was found, with commands that ask the same store; empty if something was.
    """
    from tracing_aggregator.cli.watch.dashboard import default_store
    from tracing_aggregator.dashboard.message import live_store, message, why
    from tracing_aggregator.dashboard.store import Reader

    reader = Reader(store) if store else live_store(default_store(config), config.settings.bootstrap_servers)
    if reader is None:
        return None
    shown, looked_at = message(reader, subject)
    if shown:
        return shown, looked_at, ""
    if store is None:
        return None
    command = "tracing-aggregator explain"
    return shown, looked_at, why(reader, subject).replace(command, f"{command} --store {quote(str(store))}")


@contextmanager
def _outputs(config: Config, folder: Path | None, files: tuple[str, ...], since: str | None) -> "Iterator[Outputs]":
    from rich.console import Console

    from tracing_aggregator.explain.sources import Folder, replayed

    talk = Console(stderr=True)
    if folder is not None:
        yield Folder(folder, config.settings)
    elif files:
        quiet_beam()
        with talk.status(f"Aggregating {', '.join(files)} …") as status, replayed(files, config.settings) as made:
            status.stop()
            yield made
    else:
        from tracing_aggregator.explain.kafka_outputs import KafkaOutputs
        from tracing_aggregator.explain.since import since_ms

        start = since_ms(since, datetime.now(UTC)) if since else None
        with talk.status(f"Asking {config.settings.bootstrap_servers} …") as status:

            def tell(topic: str, read: int, total: int) -> None:
                status.update(f"Reading {topic}: {read} of {total} records …")

            outputs = KafkaOutputs(config, start, tell)
            try:
                yield outputs
            finally:
                outputs.close()


def _nothing(subject: str, looked_at: list[str], config: Config, since: str | None) -> str:
    settings = config.settings
    earlier = ["Look further back: a longer --since, or none."] if since else []
    lines = [
        f"Nothing is known of {subject}",
        "Looked at:",
        *(f"  {source}" for source in looked_at),
        "What to try:",
        *(f"  {line}" for line in earlier),
        "  Check the spelling: a correlationId or how it begins, or a position: orders/3/42 or orders-3@42.",
        "  A trace that still waits for its partners is not written yet: try again when the holds are over",
        "  (hold.*.ms: see tracing-aggregator settings).",
        "  Look in the raw traces, with --traces t.jsonl:",
        f"  kcat -b {settings.bootstrap_servers} -C -e -J -t {settings.tracing_topic} > t.jsonl",
    ]
    return "\n".join(lines)
