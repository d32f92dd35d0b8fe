"""Keeps the logs of a run below a size while it runs, and passes them on to stderr where a collector reads that.

The JVM and the workers append to files below `logs`. A file that has grown too large is copied aside and emptied: who
has it open goes on at its new beginning.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from pipeline.config.load import Config
from pipeline.config.references import looked_up
from pipeline.errors import UserError
from pipeline.log_lines import LEVELS, Masker, Repeats, entry
from pipeline.masking import is_secret
from runners.state_folder import StateFolder

_LOOK_S = 1.0
_END_S = 5.0
_CHUNK = 1 << 20
_MB = 1_000_000

Put = Callable[[str], None]


class LogKeeper:
    """The logs in one folder. `put` gets each line in the one form; None: they stay in their files alone.

    Args:
        folder: where `*.log` lie.
        limit: bytes of one file.
        files: how many old ones are kept of each.
        level: lines below it are not passed on.
        as_json: in the form for collectors.
    """

    def __init__(
        self, folder: Path, *, limit: int, files: int, put: Put | None, level: str, as_json: bool, mask: Masker
    ) -> None:
        self._folder = folder
        self._limit = limit
        self._files = files
        self._put = put
        self._lowest = LEVELS.index(level)
        self._as_json = as_json
        self._mask = mask
        self._repeats = Repeats()
        self._read: dict[Path, int] = {}
        self._begun: dict[Path, bytes] = {}

    def skip(self) -> None:
        """What is there now was passed on by an earlier run."""
        self._read = {file: file.stat().st_size for file in self._folder.glob("*.log")}

    def look(self) -> None:
        """Pass on what is new, and put aside what is too large."""
        for file in sorted(self._folder.glob("*.log")):
            size = file.stat().st_size
            if self._put is not None:
                self._pass_on(file, size)
            if size > self._limit:
                self._put_aside(file)

    def _pass_on(self, file: Path, size: int) -> None:
        at = self._read.get(file, 0)
        if size < at:
            at = 0
        with file.open("rb") as log:
            log.seek(at)
            while at < size and (part := log.read(min(_CHUNK, size - at))):
                at += len(part)
                *lines, rest = (self._begun.pop(file, b"") + part).split(b"\n")
                self._begun[file] = rest[:_CHUNK]
                for line in lines:
                    self._one(line.decode("utf-8", "replace").rstrip(), file.stem)
        self._read[file] = at

    def _one(self, line: str, component: str) -> None:
        if self._put is None or not line:
            return
        one = entry(self._mask(line), component, time.time())
        if one.level in LEVELS and LEVELS.index(one.level) < self._lowest:
            return
        if (told := self._repeats.pass_on(one)) is not None:
            self._put(told.json() if self._as_json else told.text())

    def _put_aside(self, file: Path) -> None:
        for number in range(self._files - 1, 0, -1):
            older = file.with_suffix(f".log.{number}")
            if older.exists():
                older.replace(file.with_suffix(f".log.{number + 1}"))
        if self._files:
            shutil.copyfile(file, file.with_suffix(".log.1"))
        with file.open("r+b") as log:
            log.truncate(0)
        self._read[file] = 0


@contextmanager
def keeping_logs(config: Config, put: Put) -> Iterator[None]:
    """Keep the logs of this configuration's run for the length of the block."""
    settings = config.settings
    folder = StateFolder.of(settings).root / "logs"
    keeper = LogKeeper(
        folder,
        limit=settings.log_max_mb * _MB,
        files=settings.log_files,
        put=put if settings.log_console else None,
        level=settings.log_level,
        as_json=settings.log_format == "json",
        mask=Masker(secrets_of(config)),
    )
    keeper.skip()
    stop = Event()
    thread = Thread(target=_keep, args=(keeper, stop), name="logs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_END_S)


def secrets_of(config: Config) -> list[str]:
    """The values of all secrets of a configuration, references looked up."""
    named = dict(config.kafka) | {name: str(value) for name, value in config.settings.model_dump(by_alias=True).items()}
    found: list[str] = []
    for name, value in named.items():
        if is_secret(name) and value:
            with suppress(UserError):  # whoever needs it tells of it
                found += looked_up({name: value}).values()
    return found


def _keep(keeper: LogKeeper, stop: Event) -> None:
    while not stop.wait(_LOOK_S):
        _look(keeper)
    _look(keeper)


def _look(keeper: LogKeeper) -> None:
    try:
        keeper.look()
    except OSError:
        return  # a full disk, or a file that has just gone: the next look is soon
