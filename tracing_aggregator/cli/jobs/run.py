"""`run`: the pipeline from Kafka to Kafka."""

import sys
from functools import partial

import click

from pipeline.config.load import Config
from pipeline.config.setting_types import LOCAL_MASTER
from pipeline.errors import UserError
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.config_options import config_options
from tracing_aggregator.cli.quiet import quiet_beam
from tracing_aggregator.cli.summary import summary
from tracing_aggregator.cli.talk import Tell, log_to_stderr, teller

RUNNERS = ("flink", "direct", "prism")


@click.command(
    epilog=examples(
        "tracing-aggregator run config/config.properties", "tracing-aggregator run -b localhost:9092 --runner direct"
    )
)
@click.option("--runner", type=click.Choice(RUNNERS), help="What runs it; overrides the setting `runner`.")
@click.option(
    "--beam",
    "beam_flags",
    metavar="FLAG",
    multiple=True,
    help="A flag for Beam, as `--beam=--name=value`; overrides ours.",
)
@click.option(
    "--from-savepoint",
    metavar="PLACE",
    default="",
    help="Resume from this savepoint or checkpoint on Flink (a folder; on a cluster a URI), not from the last one.",
)
@click.option(
    "--start-anew",
    is_flag=True,
    help="Start on Flink without state if none is found, although this group has read before.",
)
@config_options
def run(config: Config, runner: str | None, beam_flags: tuple[str, ...], from_savepoint: str, start_anew: bool) -> None:
    """Aggregate traces from Kafka to Kafka.

    On `flink`, the default, until Ctrl-C, which keeps the state for the next run; metrics are at metrics.port. With
    flink.master=host:port the job is submitted there, its id printed, and it goes on after this command. On `direct`,
    everything up to now, then the end.
    """
    tell = teller(config.settings, "run")
    log_to_stderr(config.settings, "run")
    quiet_beam()
    runner = runner or config.settings.runner
    if runner == "flink":
        sys.exit(_on_flink(config, beam_flags, from_savepoint, start_anew, tell))
    if from_savepoint or start_anew:
        option = "--from-savepoint" if from_savepoint else "--start-anew"
        raise UserError(f"The runner {runner} has no savepoints.", f"Leave {option} out, or take --runner=flink.")
    sys.exit(_without_state(config, runner, beam_flags, tell))


def _without_state(config: Config, runner: str, beam_flags: tuple[str, ...], tell: Tell) -> int:
    if runner == "direct":
        from runners import bounded_kafka

        tell(summary(bounded_kafka.run(config, tell)))
        return 0
    from runners import prism

    return prism.run(config, tell, beam_flags)


def _on_flink(config: Config, beam_flags: tuple[str, ...], from_savepoint: str, start_anew: bool, tell: Tell) -> int:
    from runners.flink import runner
    from runners.log_keeper import keeping_logs
    from tracing_aggregator.metrics.exporter import exporting_beside

    start = partial(runner.run, config, tell, beam_flags, from_savepoint=from_savepoint, may_start_anew=start_anew)
    if config.settings.flink_master != LOCAL_MASTER:
        return start()
    with keeping_logs(config, _put), exporting_beside(config, tell):
        return start()


def _put(line: str) -> None:
    click.echo(line, err=True)
