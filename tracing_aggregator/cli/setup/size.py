"""`size`: what a load needs, and what breaks first."""

import click

from tracing_aggregator.cli.commands import examples


@click.command(epilog=examples("tracing-aggregator size --messages-per-second 1000 --groups 2"))
@click.option("--messages-per-second", "rate", required=True, type=click.FloatRange(min=1), help="Of all topics.")
@click.option("--groups", default=1, show_default=True, type=click.IntRange(min=0), help="That read each message.")
@click.option(
    "--retention-hours", default=24.0, show_default=True, type=click.FloatRange(min=0.1), help="`retention.ms`."
)
@click.option("--lag-hours", default=0.0, show_default=True, type=click.FloatRange(min=0), help="Of the slowest group.")
@click.option(
    "--partitions", default=256, show_default=True, type=click.IntRange(min=1), help="Of all business topics."
)
@click.option("--busy", default=0.6, show_default=True, type=click.FloatRange(0.1, 1), help="Part of a core in use.")
@click.option("--cores", default=8, show_default=True, type=click.IntRange(min=1), help="Of each TaskManager.")
@click.option("--values", "as_values", is_flag=True, help="As a values file of the Helm chart.")
def size(
    rate: float,
    groups: int,
    retention_hours: float,
    lag_hours: float,
    partitions: int,
    busy: float,
    cores: int,
    as_values: bool,
) -> None:
    """Work out cores, memory, disk and network for a load, and which setting breaks first.

    It reads what was measured (docs/scale.md), and asks nobody.
    """
    from pipeline.config.settings import Settings
    from tracing_aggregator.sizing.advice import values
    from tracing_aggregator.sizing.answer import model_text
    from tracing_aggregator.sizing.curves import load
    from tracing_aggregator.sizing.model import Demand

    demand = Demand(rate, groups, retention_hours * 3600, lag_hours * 3600, partitions, busy, cores)
    if as_values:
        click.echo(values(demand, Settings(retention_ms=int(retention_hours * 3_600_000))), nl=False)
    else:
        click.echo(model_text(load(), demand), nl=False)
