"""`tracing-aggregator topics`: create what is missing, and say what departs from what is wanted."""

import click

from pipeline.config.load import Config
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options


@click.command(epilog=examples("tracing-aggregator topics -b localhost:9092 --dry-run"))
@config_options
@click.option("--partitions", type=click.IntRange(min=1), help="Partitions of each new topic; 4 if not given.")
@click.option("--dry-run", is_flag=True, help="Change nothing, only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def topics(ctx: click.Context, config: Config, partitions: int | None, dry_run: bool, as_json: bool) -> None:
    """Create the topics that are missing; say where existing ones are not as they should be.

    Ends with 1 if a topic could not be created.
    """
    import orjson

    from runners.kafka.topics import create_topics

    reports = create_topics(config, partitions=partitions, dry_run=dry_run)
    if as_json:
        rows = [
            {**report._asdict(), "departures": [item._asdict() for item in report.departures]} for report in reports
        ]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    else:
        for report in reports:
            size = f"{report.partitions} partitions" if report.partitions else ""
            state = click.style(f"{report.state:8}", fg="red" if report.state == "failed" else "green")
            click.echo(f"{state} {report.name:20} {size}".rstrip())
            for departure in report.departures:
                click.echo(f"         {departure.what}\n         {departure.todo}".rstrip(), err=True)
    if any(report.state == "failed" for report in reports):
        ctx.exit(1)
