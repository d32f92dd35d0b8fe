"""The command `tracing-aggregator`: finds the subcommand, and shows errors that a user can mend without a traceback."""

import importlib
import os
from typing import IO, Any, NamedTuple

import click

from pipeline.errors import UserError
from tracing_aggregator.cli.commands import Commands, ended_plainly, examples


class Lazy(NamedTuple):
    """A subcommand that is imported when it is called, so that `--help` is instant."""

    target: str
    summary: str


COMMANDS = {
    "broker": Lazy("tracing_aggregator.cli.trials.broker:broker", "Run a Kafka broker here, for trials and tests."),
    "check": Lazy("tracing_aggregator.cli.setup.check:check", "Check configuration, brokers, topics and permissions."),
    "dashboard": Lazy(
        "tracing_aggregator.cli.watch.dashboard:dashboard", "Serve pages to look at it all in a browser."
    ),
    "demo": Lazy(
        "tracing_aggregator.cli.trials.demo:demo", "Broker, traffic, pipeline and dashboard: traces in a table."
    ),
    "doctor": Lazy("tracing_aggregator.cli.watch.doctor:doctor", "Gather what a report of a fault needs."),
    "explain": Lazy("tracing_aggregator.cli.watch.explain:explain", "Show what happened to one message."),
    "flink-jar": Lazy(
        "tracing_aggregator.cli.jobs.flink_jar:flink_jar", "Write the job as a jar, for a Flink cluster of its own."
    ),
    "flink-lib": Lazy("tracing_aggregator.cli.jobs.flink_lib:flink_lib", "Copy the jars that a Flink cluster needs."),
    "graph": Lazy("tracing_aggregator.cli.setup.graph:graph", "Draw the pipeline as a Mermaid diagram."),
    "ingest": Lazy("tracing_aggregator.cli.jobs.ingest:ingest", "Make raw traces from OpenTelemetry's spans."),
    "jars": Lazy("tracing_aggregator.cli.jobs.jars:jars", "Fetch the Java parts now, for a start without network."),
    "metrics": Lazy("tracing_aggregator.cli.watch.metrics:metrics", "Serve metrics beside a job on a Flink cluster."),
    "replay": Lazy("tracing_aggregator.cli.jobs.replay:replay", "Aggregate traces from files, without Kafka or Java."),
    "run": Lazy("tracing_aggregator.cli.jobs.run:run", "Aggregate traces from Kafka to Kafka."),
    "settings": Lazy(
        "tracing_aggregator.cli.setup.settings:settings", "List the settings, or those of a configuration."
    ),
    "sink": Lazy("tracing_aggregator.cli.jobs.sink:sink", "Write traces, findings and statistics to other systems."),
    "size": Lazy("tracing_aggregator.cli.setup.size:size", "Work out what a load needs, and what breaks first."),
    "stop": Lazy("tracing_aggregator.cli.jobs.stop:stop", "Stop a run on a Flink cluster, with a savepoint."),
    "tail": Lazy("tracing_aggregator.cli.watch.tail:tail", "Show aggregated traces, or findings, as they come."),
    "topics": Lazy("tracing_aggregator.cli.setup.topics:topics", "Create the topics that are missing."),
    "traffic": Lazy("tracing_aggregator.cli.trials.traffic:traffic", "Make traffic with traced clients, and faults."),
}


class ShownError(click.ClickException):
    """A `UserError` on its way to stderr."""

    exit_code = 2

    def __init__(self, error: UserError, color: bool | None) -> None:
        super().__init__(str(error))
        self._color = color

    def show(self, file: IO[Any] | None = None) -> None:
        """Print what happened and what to do."""
        head = click.style("Error:", fg="red", bold=True)
        click.echo(f"{head} {self.message}", file=file, err=True, color=self._color)


class Main(Commands):
    """The subcommands of the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names for `--help`, in order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Import a subcommand; None if there is no such name, which click turns into its own message."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        """Write the list of subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand; an error that the user can mend becomes a message, unless `--debug`."""
        try:
            return ended_plainly(ctx, lambda: super(Main, self).invoke(ctx))
        except UserError as error:
            if ctx.params["debug"]:
                raise
            raise ShownError(error, ctx.color) from error


@click.group(
    cls=Main,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("tracing-aggregator demo", "tracing-aggregator explain --help"),
)
@click.version_option(package_name="tracing-aggregator", prog_name="tracing-aggregator")
@click.option("--debug", is_flag=True, help="Show the traceback of any error.")
@click.pass_context
def main(ctx: click.Context, debug: bool) -> None:  # noqa: ARG001  `invoke` looks at it
    """Message-level tracing for Apache Kafka: joins raw traces into the life of each message."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False


if __name__ == "__main__":
    main()
