"""`tracing-aggregator graph`: the pipeline as a Mermaid diagram, drawn from the code."""

import click

from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.quiet import quiet_beam


@click.command(epilog=examples("tracing-aggregator graph > pipeline.mmd"))
def graph() -> None:
    """Print the pipeline as a Mermaid diagram; the README's is made this way."""
    quiet_beam()
    from pipeline.diagram import mermaid

    click.echo(mermaid())
