"""Records a program in a terminal of its own: what the screen showed, and when."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Self

import pyte

_READ = 1 << 16
_STEP_S = 0.05
_END_S = 60


class Run(NamedTuple):
    """Characters of one style from a column on; `colour` is a name, or six hexadecimal digits."""

    column: int
    text: str
    colour: str
    is_bold: bool


Line = tuple[Run, ...]


class Frame(NamedTuple):
    """What the screen shows, from so many seconds after the beginning on."""

    at_s: float
    lines: tuple[Line, ...]


class Recording:
    """A program that runs in a terminal of so many columns and rows, and the frames so far. A context manager."""

    def __init__(self, command: Sequence[str], columns: int, rows: int, environ: dict[str, str]) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.frames: list[Frame] = []
        self._stream = pyte.ByteStream(self.screen)
        self._began = time.monotonic()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._program = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", **environ},
        )  # fmt: skip
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._program.poll() is None:
            self._program.send_signal(signal.SIGINT)
        deadline = time.monotonic() + _END_S
        while self._program.poll() is None and time.monotonic() < deadline:
            self._read(_STEP_S)
        if self._program.poll() is None:
            self._program.kill()
        self._program.wait()
        os.close(self._ours)

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def text(self) -> str:
        """The screen without its styles."""
        return "\n".join(self.screen.display)

    def type(self, text: str, each_s: float) -> None:
        """Type as a person does."""
        for character in text:
            os.write(self._ours, character.encode())
            self.watch(lambda: False, each_s)

    def watch(self, is_enough: Callable[[], bool], within_s: float, every_s: float = _STEP_S) -> bool:
        """Record, a frame each so often where the screen changed; whether it was enough before the time was over."""
        deadline, taken_at = self.now_s + within_s, -every_s
        while not is_enough():
            if self.now_s > deadline or not self._read(_STEP_S):
                return False
            if self.now_s >= taken_at + every_s:
                taken_at = self.now_s
                self._take()
        self._take()
        return True

    def _read(self, within_s: float) -> bool:
        """Take in what the program writes; False where it has ended."""
        ready, _, _ = select.select([self._ours], [], [], within_s)
        try:
            if ready:
                self._stream.feed(os.read(self._ours, _READ))
        except OSError:  # Linux tells so that nobody has it open any more
            return False
        return True

    def _take(self) -> None:
        lines = tuple(tuple(_runs(self.screen, row)) for row in range(self.screen.lines))
        if not self.frames or self.frames[-1].lines != lines:
            self.frames.append(Frame(self.now_s, lines))


def _runs(screen: pyte.Screen, row: int) -> Iterator[Run]:
    """The row of the screen, parted where the style changes, without blanks at the end."""
    run: Run | None = None
    for column in range(screen.columns):
        cell = screen.buffer[row][column]
        if run and (run.colour, run.is_bold) == (cell.fg, cell.bold):
            run = run._replace(text=run.text + cell.data)
            continue
        if run and run.text.strip():
            yield run._replace(text=run.text.rstrip())
        run = Run(column, cell.data, cell.fg, cell.bold)
    if run and run.text.strip():
        yield run._replace(text=run.text.rstrip())
