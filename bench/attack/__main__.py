"""`python -m bench.attack`: attacks our servers on loopback, some two minutes, and prints what it cost them."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.attack.attacks import ATTACKS, Probe
from bench.processes import PROC


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A line for each attack: the answers, whether probes were answered, and the memory of the servers' process."""
    if not PROC.joinpath("self/stat").exists():
        raise click.ClickException("The bench reads /proc, which this system does not have. Run it on Linux.")
    with TemporaryDirectory() as folder:
        program = [sys.executable, "-m", "bench.attack.target", folder]
        with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as served:
            if served.stdout is None or served.stdin is None:
                raise click.ClickException("The servers have no pipes.")
            ports = dict(zip(("pages", "spans"), map(int, served.stdout.readline().split()), strict=True))
            click.echo("| attack | on | answers | probes answered | memory after, MB | at most, MB |")
            click.echo("|---|---|---|---:|---:|---:|")
            for attack in ATTACKS:
                _forget_peak(served.pid)
                with Probe(ports[attack.on]) as probe:
                    answers = attack.run(ports[attack.on])
                told = ", ".join(f"{status}: {count}" for status, count in sorted(answers.items())) or "none"
                probes = f"{probe.answered} of {probe.answered + probe.missed}"
                now, most = _memory_mb(served.pid, "VmRSS"), _memory_mb(served.pid, "VmHWM")
                click.echo(f"| {attack.what} | {attack.on} | {told} | {probes} | {now:.0f} | {most:.0f} |")
            served.stdin.close()


def _memory_mb(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(kilobytes) / 1000


def _forget_peak(pid: int) -> None:
    """Let the kernel count the largest memory anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


if __name__ == "__main__":
    main()
