"""What a process and all processes below it use, from Linux' /proc, a few times a second."""

import os
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

PERIOD_S = 0.25
PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
JAVA, PYTHON, OTHER = "java", "python", "other"


class _Seen(NamedTuple):
    parent: int
    kind: str
    cpu_s: float
    memory_mb: float


@dataclass(frozen=True)
class Usage:
    """CPU seconds by kind of process since the tree began, and resident memory in MB by kind, now."""

    cpu_s: Mapping[str, float] = field(default_factory=dict)
    memory_mb: Mapping[str, float] = field(default_factory=dict)

    def since(self, earlier: "Usage") -> dict[str, float]:
        """CPU seconds by kind between the two."""
        return {kind: cpu - earlier.cpu_s.get(kind, 0) for kind, cpu in self.cpu_s.items()}


class ProcessTree:
    """Watches the tree below `root` inside the block; CPU of processes that have ended still counts."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._processes: dict[int, _Seen] = {}
        self._alive: set[int] = set()
        self.peak_mb: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="process-tree", daemon=True)

    def usage(self) -> Usage:
        """As of now."""
        with self._lock:
            self._look()
            cpu: defaultdict[str, float] = defaultdict(float)
            memory: defaultdict[str, float] = defaultdict(float)
            for pid, process in self._processes.items():
                cpu[process.kind] += process.cpu_s
                if pid in self._alive:
                    memory[process.kind] += process.memory_mb
            return Usage(dict(cpu), dict(memory))

    def cpu_of_each(self, kind: str) -> dict[int, float]:
        """CPU seconds of each process of this kind since the tree began, by its id."""
        with self._lock:
            self._look()
            return {pid: process.cpu_s for pid, process in self._processes.items() if process.kind == kind}

    def alive(self) -> set[int]:
        """The processes of the tree, the root among them, that run now."""
        with self._lock:
            self._look()
            return set(self._alive)

    def _look(self) -> None:
        found = _processes()
        tree = {self._root} & found.keys()
        # A process whose parent has ended stays one of ours.
        tree |= {pid for pid in self._alive if pid in found}
        while below := {pid for pid, process in found.items() if process.parent in tree} - tree:
            tree |= below
        for pid in tree:
            self._processes[pid] = found[pid]
        self._alive = tree

    def _watch(self) -> None:
        while not self._stop.wait(PERIOD_S):
            memory = self.usage().memory_mb
            total = sum(memory.values())
            if total > sum(self.peak_mb.values()):
                self.peak_mb = dict(memory)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


def _processes() -> dict[int, _Seen]:
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:  # it has ended
                continue
            # The name is in brackets and may hold anything.
            name, fields = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2 :].split()
            if fields[0] != "Z":
                cpu = (int(fields[11]) + int(fields[12])) / _TICKS
                found[int(folder.name)] = _Seen(int(fields[1]), _kind(name), cpu, int(fields[21]) * _PAGE_MB)
    return found


def _kind(name: str) -> str:
    return next((kind for kind in (JAVA, PYTHON) if name.startswith(kind)), OTHER)
