"""`tracing-aggregator graph`: the pipeline as a Mermaid diagram, drawn from the code."""

import click


@click.command()
def graph() -> None:
    """Print the pipeline as a Mermaid diagram; the README's is made this way."""
    from pipeline.diagram import mermaid

    click.echo(mermaid())
