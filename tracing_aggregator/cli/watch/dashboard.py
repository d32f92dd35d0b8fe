"""`tracing-aggregator dashboard`: the pages to look at."""

from datetime import UTC, datetime
from pathlib import Path

import click

from pipeline.config.load import Config
from pipeline.errors import UserError
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options, server_options
from tracing_aggregator.cli.talk import log_to_stderr, teller


def default_store(config: Config) -> Path:
    """Where the dashboard of this configuration keeps its store."""
    return Path(config.settings.state_dir).expanduser() / config.settings.application_id / "dashboard.sqlite"


@click.command(
    epilog=examples(
        "tracing-aggregator dashboard -b localhost:9092",
        "tracing-aggregator dashboard config/config.properties --since 2h",
    )
)
@config_options
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@server_options
@click.option(
    "--read-token",
    envvar="TRACING_AGGREGATOR_READ_TOKEN",
    show_envvar=True,
    help="A token, or a reference, beside --token, for those who may only look.",
)
@click.option(
    "--store",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="SQLite file; <state.dir>/<application.id>/dashboard.sqlite if not given.",
)
@click.option(
    "--keep", default=1_000_000, show_default=True, type=click.IntRange(min=1), help="Traces to keep; the oldest go."
)
@click.option(
    "--streams", default=100, show_default=True, type=click.IntRange(min=1), help="Pages that are live at a time."
)
@click.option("--since", metavar="TIME", help="Begin a new store there, not with all that is retained: 2h, 1d, a date.")
def dashboard(
    config: Config,
    port: int,
    host: str,
    token: str | None,
    token_file: Path | None,
    read_token: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    access_log: bool,
    store: Path | None,
    keep: int,
    streams: int,
    since: str | None,
) -> None:
    """Serve pages with deliveries, latencies, messages and anomalies, live from the output topics.

    They are read into a store of their own, which goes on where it was at the next start.
    """
    try:
        from tracing_aggregator.dashboard.serve import Options, serve
    except ModuleNotFoundError as error:
        raise UserError(
            f"The dashboard needs {error.name}, which is not installed.", "Install it: pip install '.[dashboard]'"
        ) from error
    from tracing_aggregator.explain.since import since_ms
    from tracing_aggregator.web.server import Tls
    from tracing_aggregator.web.tokens import Tokens

    start = since_ms(since, datetime.now(UTC)) if since else None
    tokens, tls = Tokens.of(token, read_token, token_file), Tls.of(tls_cert, tls_key)
    options = Options(
        host, port, store or default_store(config), keep, start, tokens, streams, tls, access_log=access_log
    )
    log_to_stderr(config.settings, "dashboard")
    serve(config, options, teller(config.settings, "dashboard"))
