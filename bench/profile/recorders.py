"""The profilers: py-spy for a Python process, async-profiler for a JVM. Both attach to what runs, and let it run."""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.profile.stacks import Stack, read_stacks
from runners.java.jars import locked, resolve

LOCK = Path(__file__).with_name("profiler.lock")
RATE = 100
_MACHINES = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}


class ProfilerError(Exception):
    """A profiler is not there, or may not attach."""


def python_stacks(pids: Sequence[int], seconds: int | None, folder: Path, within_s: float) -> Counter[Stack]:
    """What these Python processes do for so long (None: until they end): frames of Python and of compiled code.

    Raises subprocess.TimeoutExpired when that took longer than `within_s`, `ProfilerError` when it cannot be told.
    """
    program = shutil.which("py-spy", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        raise ProfilerError("Flame graphs of Python need py-spy, which is missing: pip install 'py-spy>=0.4,<0.5'")
    files = [folder / f"{pid}.collapsed" for pid in pids]
    options = ["--native", "--format", "raw", "--rate", str(RATE)]
    if seconds is not None:
        options += ["--duration", str(seconds)]
    return _run(
        [
            [program, "record", *options, "--output", str(file), "--pid", str(pid)]
            for pid, file in zip(pids, files, strict=True)
        ],
        files,
        within_s,
        "It reads the memory of the process: run as root, or allow it (Docker: --cap-add SYS_PTRACE).",
    )


def java_stacks(pid: int, seconds: int, folder: Path, within_s: float) -> Counter[Stack]:
    """What this JVM does for so long, compiler and collector too: the outermost frame is the thread."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.platform != "linux":
        raise ProfilerError(f"There is no async-profiler for {platform.platform()}: run it on Linux, x86-64 or ARM.")
    (jar,) = resolve("profiler", jars=locked(LOCK.read_text(encoding="utf-8")))
    with zipfile.ZipFile(jar) as archive:
        names = {Path(name).name: name for name in archive.namelist()}
        program, library = (
            _unpack(archive, names, prefix, machine, folder) for prefix in ("asprof", "libasyncProfiler")
        )
    file = folder / f"{pid}.collapsed"
    options = ["-d", str(seconds), "-e", "cpu", "-i", "10ms", "-t", "-o", "collapsed"]
    command = [str(program), "--libpath", str(library), *options, "-f", str(file), str(pid)]
    return _run([command], [file], within_s, "The JVM must run as the same user, and allow agents to attach.")


def _unpack(archive: zipfile.ZipFile, names: dict[str, str], prefix: str, machine: str, folder: Path) -> Path:
    (name,) = (name for name in names if name.startswith(prefix) and machine in name)
    file = folder / name
    file.write_bytes(archive.read(names[name]))
    file.chmod(0o755)
    return file


def _run(commands: Sequence[Sequence[str]], files: Sequence[Path], within_s: float, advice: str) -> Counter[Stack]:
    """All commands together; the stacks that they wrote to the files."""
    started = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for command in commands
    ]
    try:
        said = [process.communicate(timeout=within_s)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    for file, words, process in zip(files, said, started, strict=True):
        if process.returncode != 0 or not file.exists():
            raise ProfilerError(f"{Path(commands[0][0]).name} failed: {words.strip() or process.returncode}\n{advice}")
    return sum((read_stacks(file.read_text(encoding="utf-8")) for file in files), Counter())
