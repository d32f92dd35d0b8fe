"""What a process and all processes below it use, looked at four times a second."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import psutil  # type: ignore[import-untyped]

PERIOD_S = 0.25
JAVA, PYTHON, OTHER = "java", "python", "other"


class _Seen(NamedTuple):
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
    """Watches the tree below `root` inside the block. The CPU time of processes that have ended still counts."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._seen: dict[int, _Seen] = {}
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
            for pid, process in self._seen.items():
                cpu[process.kind] += process.cpu_s
                if pid in self._alive:
                    memory[process.kind] += process.memory_mb
            return Usage(dict(cpu), dict(memory))

    def alive(self) -> set[int]:
        """The processes of the tree that run now, the root among them."""
        with self._lock:
            self._look()
            return set(self._alive)

    def running(self, program: str) -> list[int]:
        """The processes of the tree with this word on their command line."""
        return [pid for pid in sorted(self.alive()) if program in _command_line(pid)]

    def _look(self) -> None:
        parents = {process.pid: process.info["ppid"] for process in psutil.process_iter(["ppid"])}
        # A process whose parent has ended stays in the tree.
        tree = {pid for pid in (self._root, *self._alive) if pid in parents}
        while below := {pid for pid, parent in parents.items() if parent in tree} - tree:
            tree |= below
        self._alive = set()
        for pid in tree:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                with process.oneshot():
                    if process.status() != psutil.STATUS_ZOMBIE:
                        cpu = process.cpu_times()
                        memory_mb = process.memory_info().rss / 1e6
                        self._seen[pid] = _Seen(_kind(process.name()), cpu.user + cpu.system, memory_mb)
                        self._alive.add(pid)

    def _watch(self) -> None:
        while not self._stop.wait(PERIOD_S):
            memory = self.usage().memory_mb
            if sum(memory.values()) > sum(self.peak_mb.values()):
                self.peak_mb = dict(memory)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _command_line(pid: int) -> list[str]:
    with suppress(psutil.NoSuchProcess):
        command: list[str] = psutil.Process(pid).cmdline()
        if "-S" not in command:  # with it, it is the launcher, which has yet to become the program
            return command
    return []


def _kind(name: str) -> str:
    return next((kind for kind in (JAVA, PYTHON) if name.startswith(kind)), OTHER)
