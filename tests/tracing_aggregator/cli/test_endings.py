import os
import pty
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TRACES = ROOT / "tests" / "data" / "real_traces.jsonl"
COMMAND = [sys.executable, "-m", "tracing_aggregator.cli.main"]


def ended(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, **options
    )


def test_a_reader_that_goes_away_ends_a_replay_without_a_word():
    with subprocess.Popen(
        [*COMMAND, "replay", str(TRACES)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as replay:
        replay.stdout.close()
        assert replay.wait(120) == 141
        assert replay.stderr.read() == ""


def test_ctrl_c_ends_a_replay_with_one_line():
    with subprocess.Popen(
        [*COMMAND, "replay", "-"], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as replay:
        # More than a pipe holds: what has gone through is read, so the replay has begun.
        replay.stdin.write(b"\n" * 1_000_000)
        replay.send_signal(signal.SIGINT)
        assert replay.stderr.read() == b"Interrupted.\n"
        assert replay.wait(60) == 130


@pytest.mark.parametrize("is_silent", [False, True])
def test_ctrl_c_ends_a_dashboard_within_3_s_while_its_broker_refuses_or_says_nothing(tmp_path, is_silent):
    with closing(socket.socket()) as broker:
        broker.bind(("127.0.0.1", 0))
        if is_silent:
            broker.listen()
        server = f"127.0.0.1:{broker.getsockname()[1]}"
        store = str(tmp_path / "s.sqlite")
        with subprocess.Popen(
            [*COMMAND, "dashboard", "-b", server, "--port", "0", "--store", store],
            cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        ) as dashboard:  # fmt: skip
            assert dashboard.stderr.readline().startswith("Dashboard: ")
            assert server in dashboard.stderr.readline()
            time.sleep(2)  # it asks the broker meanwhile, which takes 15 s
            dashboard.send_signal(signal.SIGINT)
            assert dashboard.wait(3) == 0
            assert dashboard.stderr.read() == ""


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (str(TRACES), "it is a file, and a folder is needed"),
        ("/dev/null/below", "Not a directory"),
    ],
)
def test_an_output_that_cannot_be_written_is_said_in_a_line_and_what_to_do(output, why):
    before = TRACES.read_bytes()
    shown = ended("replay", str(TRACES), "--output", output)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == f"Error: Cannot write to {output}: {why}.\nName another folder: --output DIR\n"
    assert TRACES.read_bytes() == before


def test_the_graph_is_all_that_graph_prints():
    shown = ended("graph")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("flowchart LR\n")


def on_a_terminal(*arguments: str, **environ: str) -> bytes:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, stdout=theirs, stderr=theirs, env={**os.environ, **environ}
    ) as command:
        os.close(theirs)
        written = b""
        while chunk := _read(ours):
            written += chunk
        command.wait(60)
    os.close(ours)
    return written


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux tells so that nobody has it open any more
        return b""


@pytest.mark.parametrize("arguments", [("settings",), ("tail", "-b", "127.0.0.1:1"), ("check", "-b", "127.0.0.1:1")])
def test_a_terminal_gets_colours_unless_no_color_is_set(arguments):
    assert b"\x1b[" in on_a_terminal(*arguments, NO_COLOR="")
    assert b"\x1b[" not in on_a_terminal(*arguments, NO_COLOR="1")
