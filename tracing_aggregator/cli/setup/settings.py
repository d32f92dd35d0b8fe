"""`tracing-aggregator settings`: what can be set, and what a configuration sets."""

import textwrap
from itertools import groupby

import click
import orjson

from pipeline.config.load import Config
from pipeline.config.settings_table import Row, as_text, markdown, rows
from pipeline.masking import masked
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options


@click.command(
    epilog=examples("tracing-aggregator settings", "tracing-aggregator settings config/config.properties --json")
)
@config_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The reference, as Markdown.")
def settings(config: Config, as_json: bool, as_markdown: bool) -> None:
    """List the settings with their values and where these come from, as a properties file; secrets are masked."""
    if as_markdown:
        click.echo(markdown(), nl=False)
    elif as_json:
        _print_json(config)
    else:
        _print_properties(config)


def _value(config: Config, row: Row) -> str:
    return masked(row.name, as_text(config.settings.model_dump(by_alias=True)[row.name]))


def _print_json(config: Config) -> None:
    own = [{**row._asdict(), "value": _value(config, row), "source": config.sources.get(row.name)} for row in rows()]
    kafka = [
        {"name": name, "value": masked(name, value), "source": config.sources.get(name)}
        for name, value in config.kafka.items()
    ]
    click.echo(orjson.dumps({"settings": own, "kafka": kafka}, option=orjson.OPT_INDENT_2))


def _print_properties(config: Config) -> None:
    for section, members in groupby(rows(), key=lambda row: row.section):
        click.echo(f"\n### {section}")
        for row in members:
            _print_property(row.description, row.name, _value(config, row), config.sources.get(row.name))
    if config.kafka:
        click.echo("\n### Kafka client properties")
    for name, value in config.kafka.items():
        _print_property("", name, masked(name, value), config.sources.get(name))


def _print_property(description: str, name: str, value: str, source: str | None) -> None:
    comments = [*textwrap.wrap(description, width=110), *([f"(from {source})"] if source else [])]
    for line in comments:
        click.secho(f"# {line}", dim=True)
    escaped = value.replace("\\", "\\\\")
    click.echo(f"{click.style(name, bold=True)}={escaped}")
