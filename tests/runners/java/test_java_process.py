import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runners.java.java_process import JavaProcess, JavaProcessError

# What stands for `java`: it passes over the class path and runs the rest as a shell script.
FAKE_JAVA = """#!/bin/sh
export crash=$1; shift
while [ "$1" != "-cp" ]; do echo "option $1"; shift; done
exec sh -c "$4"
"""


@pytest.fixture
def java(tmp_path: Path) -> Path:
    file = tmp_path / "java"
    file.write_text(FAKE_JAVA)
    file.chmod(0o755)
    return file


def start(java: Path, script: str, *, options: tuple[str, ...] = (), stdout: Path | None = None) -> JavaProcess:
    log = java.parent / "its.log"
    return JavaProcess(
        "Thing", java=java, jars=[], main="Main", arguments=[script], options=options, log=log, stdout=stdout
    )


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_it_is_ready_when_the_condition_holds(java: Path) -> None:
    with start(java, "echo up; sleep 60") as process:
        process.wait_until(lambda: b"up" in process.log.read_bytes(), 60)
        assert process.returncode is None


def test_an_early_end_is_an_error_with_the_end_of_the_log(java: Path) -> None:
    process = start(java, "echo no such topic >&2; exit 3")
    with pytest.raises(
        JavaProcessError, match=r"Thing ended with exit code 3\.\n  no such topic\nThe whole log: .*its.log"
    ):
        process.wait_until(lambda: False, 60)


def test_what_it_did_just_before_its_end_counts(java: Path) -> None:
    process = start(java, "exit 0")
    process.wait(60)
    process.wait_until(lambda: True, 60)
    assert process.returncode == 0


def test_one_that_is_never_ready_is_ended(java: Path) -> None:
    process = start(java, "sleep 60")
    with pytest.raises(JavaProcessError, match=r"was not ready after 0\.2 s"):
        process.wait_until(lambda: False, 0.2)
    assert process.returncode == -signal.SIGKILL


def test_a_stop_that_is_ignored_becomes_a_kill(java: Path) -> None:
    process = start(java, "trap '' TERM; echo deaf; while :; do sleep 0.1; done")
    process.wait_until(lambda: b"deaf" in process.log.read_bytes(), 60)
    assert process.stop(within_s=0.2) == -signal.SIGKILL


def test_stopping_twice_is_harmless(java: Path) -> None:
    process = start(java, "sleep 60")
    assert process.stop() == process.stop()


def test_a_wait_is_bounded(java: Path) -> None:
    with start(java, "sleep 60") as process, pytest.raises(JavaProcessError, match=r"still runs after 0\.1 s"):
        process.wait(0.1)


def test_data_and_talk_can_be_kept_apart(java: Path, tmp_path: Path) -> None:
    process = start(java, "echo data; echo talk >&2", stdout=tmp_path / "data")
    process.wait(60)
    assert (tmp_path / "data").read_text() == "data\n"
    assert process.log.read_text() == "talk\n"


def test_the_report_of_a_crash_goes_beside_the_log(java: Path) -> None:
    process = start(java, "echo $crash")
    process.wait(60)
    assert process.log.read_text() == f"-XX:ErrorFile={process.log.parent}/hs_err_pid%p.log\n"


def test_options_come_before_the_main_class(java: Path) -> None:
    process = start(java, "true", options=("-Xmx1g",))
    process.wait(60)
    assert process.log.read_text() == "option -Xmx1g\n"


def test_an_interrupt_from_the_keyboard_does_not_reach_it(java: Path) -> None:
    with start(java, "sleep 60") as process:
        assert os.getpgid(process.pid) != os.getpgid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel promises this")
def test_it_dies_with_its_parent_however_that_ends(java: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(java)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert is_running(child)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


PARENT = """
import sys, time
from pathlib import Path
from threading import Thread
from runners.java.java_process import JavaProcess
java = Path(sys.argv[1])
def start():
    print(JavaProcess("x", java=java, jars=[], main="M", arguments=["sleep 60"], log=java.parent / "l").pid, flush=True)
thread = Thread(target=start)  # ends at once, and the child must not end with it
thread.start()
thread.join()
time.sleep(60)
"""
