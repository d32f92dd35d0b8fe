"""`demo`: everything at once, to see what traces look like."""

import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

import click

from pipeline.config.load import load_config
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.quiet import quiet_beam
from tracing_aggregator.cli.trials.traffic import require_clients


@click.command(epilog=examples("tracing-aggregator demo --open", "tracing-aggregator demo --traces --rate 20"))
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that keeps Kafka's data and the pipeline's state for the next demo; a temporary one if not given.",
)
@click.option("--rate", default=4.0, show_default=True, type=click.FloatRange(0.1), help="Orders a second.")
@click.option("--duration", metavar="S", type=click.FloatRange(min=1), help="End this long after the traffic began.")
@click.option("--open", "wants_browser", is_flag=True, help="Open the dashboard in a browser.")
@click.option("--port", type=click.IntRange(1, 65535), help="Of the dashboard; 8090, or a free one, if not given.")
@click.option("--traces", "is_firehose", is_flag=True, help="Each trace as a row, not one line a message.")
@click.option("--json", "as_json", is_flag=True, help="Traces as JSON lines, in the envelope of `kcat -J`.")
@click.pass_context
def demo(
    ctx: click.Context,
    data: Path | None,
    rate: float,
    duration: float | None,
    wants_browser: bool,
    port: int | None,
    is_firehose: bool,
    as_json: bool,
) -> None:
    """Run a broker, traffic, the pipeline and the dashboard; tell what happens to each message.

    The traffic is that of `traffic`: shops write to `orders`, `billing` forwards to `payments`, and now and then
    something goes wrong, and is told as an incident. Ctrl-C ends it all.
    """
    require_clients()
    quiet_beam()
    from tracing_aggregator.demo.page import Served
    from tracing_aggregator.demo.stage import run
    from tracing_aggregator.demo.terminal import screen

    user = load_config(None, os.environ, ()).settings
    folder = nullcontext(str(data)) if data else tempfile.TemporaryDirectory(prefix="tracing-aggregator-demo-")
    with folder as root, screen(as_json=as_json, is_firehose=is_firehose) as shown:
        code = run(user, Path(root).expanduser().absolute(), rate, duration, shown, Served(port, wants_browser))
    ctx.exit(code)
