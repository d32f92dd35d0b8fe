"""The Java parts that we run: named in `jars.lock` with their SHA-256, fetched once into a cache that all runs share.

A cached jar is hashed at every start as well: 0.15 s for 100 MB, and neither a torn file nor a changed one is ever run.
The cache has the layout of a Maven repository, so another machine's cache (`file:///…`) can serve as the mirror.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from rich.console import Console
from rich.progress import track

from pipeline.errors import UserError

DEFAULT_CACHE = "~/.cache/tracing-aggregator/jars"
THREADS = 8
ATTEMPTS = 3
PAUSE_S = 1
TIMEOUT_S = 30
CHUNK = 1 << 18
CONNECT = (
    "Connect to a network that reaches it, or name a Maven repository that you reach with the setting jars.mirror "
    "(a copy of another machine's cache will do: jars.mirror=file:///path/to/jars)."
)


class JarError(UserError):
    """A jar could not be had, or is not the one that the lock names."""


class Jar(NamedTuple):
    """One line of the lock: the groups that need the jar, where it lies in any Maven repository, its SHA-256 in hex."""

    groups: frozenset[str]
    path: str
    sha256: str


def locked(text: str | None = None) -> list[Jar]:
    """The jars that a lock names (`text`; the one shipped with the program without it), in its order."""
    lines = (text or resources.files("runners.java").joinpath("jars.lock").read_text()).splitlines()
    return [_jar(*line.split()) for line in lines if line and not line.startswith("#")]


def _jar(groups: str, coordinates: str, sha256: str) -> Jar:
    group, artifact, version, *classifier = coordinates.split(":")
    name = "-".join([artifact, version, *classifier])
    return Jar(frozenset(groups.split(",")), f"{group.replace('.', '/')}/{artifact}/{version}/{name}.jar", sha256)


def resolve(group: str, cache: Path | None = None, mirror: str = "", jars: Iterable[Jar] | None = None) -> list[Path]:
    """The jars of one group (`beam`, `broker`, `clients`) as files, in the lock's order, fetched if absent.

    `mirror` is the URL of a Maven repository to use in place of Maven Central. Raises `JarError` when a jar cannot be
    fetched or has a wrong hash, `KeyError` for an unknown group. Any number of processes may do this at once.
    """
    wanted = [jar for jar in (locked() if jars is None else jars) if group in jar.groups]
    if not wanted:
        raise KeyError(group)
    root = cache or Path(DEFAULT_CACHE).expanduser()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        intact = list(pool.map(lambda jar: _is_intact(root / jar.path, jar.sha256), wanted))
    missing = [jar for jar, is_intact in zip(wanted, intact, strict=True) if not is_intact]
    if missing:
        _fetch_all(missing, root, (mirror or _maven_central()).rstrip("/"), group)
    return [root / jar.path for jar in wanted]


def classpath(paths: Iterable[Path]) -> str:
    """Files as the value of `java -cp`."""
    return os.pathsep.join(str(path) for path in paths)


def _maven_central() -> str:
    from apache_beam.utils.subprocess_server import JavaJarServer  # a second, only needed to download

    return str(JavaJarServer.MAVEN_CENTRAL_REPOSITORY)


def _is_intact(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _fetch_all(missing: list[Jar], root: Path, repository: str, group: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    pool = ThreadPoolExecutor(THREADS)
    with tempfile.TemporaryDirectory(dir=root, prefix=".fetch-") as scratch:
        try:
            fetches = [pool.submit(_fetch, jar, root, repository, Path(scratch), stop) for jar in missing]
            title = f"Fetching the jars of {group}"
            for done in track(as_completed(fetches), title, len(missing), console=Console(stderr=True)):
                done.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _fetch(jar: Jar, root: Path, repository: str, scratch: Path, stop: threading.Event) -> None:
    """One jar, by a temporary name and renamed only when its hash is right: nobody ever sees half a jar."""
    url, target, fresh = f"{repository}/{jar.path}", root / jar.path, scratch / jar.sha256
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _download(url, fresh, stop)
            break
        except OSError as error:  # URLError, timeouts and resets are OSErrors
            refused = isinstance(error, HTTPError) and error.code < HTTPStatus.INTERNAL_SERVER_ERROR
            if refused or attempt == ATTEMPTS or stop.wait(PAUSE_S * attempt):
                raise JarError(f"Cannot fetch {url}: {error}.", CONNECT) from error
    if not _is_intact(fresh, jar.sha256):
        raise JarError(
            f"Refused {url}: its SHA-256 is not {jar.sha256}, so it is not the jar that we were tested with.",
            "Nothing was kept. Name a repository that you trust with the setting jars.mirror, and start again.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh.replace(target)


def _download(url: str, file: Path, stop: threading.Event) -> None:
    with urlopen(url, timeout=TIMEOUT_S) as response, file.open("wb") as out:  # noqa: S310  (a file: mirror is welcome)
        while not stop.is_set() and (chunk := response.read(CHUNK)):
            out.write(chunk)
        expected = response.headers.get("Content-Length")
        if expected and out.tell() != int(expected):
            raise OSError(f"the connection ended after {out.tell()} of {expected} bytes")
