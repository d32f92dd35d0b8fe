"""`traffic`: clients with tracing on a broker, with faults on purpose."""

from importlib.util import find_spec
from typing import IO

import click

from pipeline.config.load import Config
from pipeline.errors import UserError
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options

SHARE = click.FloatRange(0, 1)


@click.command(epilog=examples("tracing-aggregator traffic -b localhost:9092 --rate 50 --loss 0.01 --rewind"))
@click.option("--rate", default=20.0, show_default=True, type=click.FloatRange(0.1), help="Orders a second.")
@click.option("--seconds", metavar="S", type=click.FloatRange(min=1), help="End after so long; else at Ctrl-C.")
@click.option("--loss", default=0.0, metavar="P", type=SHARE, help="Share of orders acknowledged and not in the log.")
@click.option("--duplicate", default=0.0, metavar="P", type=SHARE, help="Share of orders that are sent twice.")
@click.option("--slow-consumer", "slow_ms", default=0, metavar="MS", help="`shipping` takes so long for an order.")
@click.option("--rewind", is_flag=True, help="`shipping` sets itself back from time to time.")
@click.option("--crash", is_flag=True, help="`shipping` ends without a commit from time to time.")
@click.option("--truth", metavar="FILE", type=click.File("w"), help="What really happened, as JSON lines; -: stdout.")
@click.option("--seed", default=0, show_default=True, help="Decides what is ordered, and which orders are faulty.")
@config_options
def traffic(config: Config, truth: IO[str] | None, **wanted: float | bool | None) -> None:
    """Make traffic on the brokers of the configuration: shops, two hops, three consumer groups, all of them traced.

    Shops write to `orders`. The group `billing` forwards each order to `payments`, which `accounting` reads;
    `shipping` reads the orders too, and is the one to which things happen. Both topics are made if they are missing.
    """
    require_clients()
    from runners.stop_signals import stop_request
    from tracing_aggregator.traffic.plan import Wanted
    from tracing_aggregator.traffic.run import run
    from tracing_aggregator.traffic.truth import Truth

    def tell(text: str) -> None:
        click.echo(text, err=True)

    with stop_request(tell, "ending the traffic when all is read") as stop:
        run(config, Wanted(**wanted), Truth(truth), stop, tell)  # type: ignore[arg-type]


def require_clients() -> None:
    """Raises UserError if the tracing clients are not installed."""
    if find_spec("tracing_clients") is None:
        raise UserError(
            "Traffic is made with tracing clients for Python, which are not installed.",
            "In the project's folder: pip install ./clients",
        )
