"""Collapsed stacks, the common form of profilers: one line a stack, its frames from the outermost on, and a count."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

#: Frames from the outermost on.
Stack = tuple[str, ...]

#: What a thread waits in: py-spy cannot always tell waiting from working.
_WAITS = re.compile(
    r"lock_PyThread_acquire_lock|PyThread_acquire_lock_timed|clock_nanosleep|epoll_wait|pthread_cond_"
    r"|^(?:poll|select|syscall) "  # gRPC waits by `syscall(SYS_futex)`
)
#: Numbers of lines and of threads, which would make one frame many.
_LINE = re.compile(r":\d+\)$")
_THREAD = re.compile(r"^\[(.*?)[-# ]*[\d/ ()#-]*(?: tid=\d+)?\]$")
#: Where a library lies, which differs from run to run.
_FOLDERS = re.compile(r"^/(?:.*/)(?=lib[^/]*$)")
_ADDRESS = re.compile(r"^0x[0-9a-f]+ \(")
_INNERMOST = 3
IMPORTS = "imports"


def read_stacks(text: str) -> Counter[Stack]:
    """The stacks of collapsed text. Frames without a name are left out, and stacks that wait."""
    stacks: Counter[Stack] = Counter()
    for line in text.splitlines():
        joined, _, count = line.rpartition(" ")
        frames = [_LINE.sub(")", frame.strip()) for frame in joined.split(";")]
        if not any(_WAITS.search(frame) for frame in frames[-_INNERMOST:]):
            stacks[tuple(_named(frames))] += int(count)
    return stacks


def _named(frames: Sequence[str]) -> Iterator[str]:
    for frame in frames:
        if "importlib" in frame:
            yield IMPORTS  # towers of frames that say nothing more
            return
        if not _ADDRESS.match(frame):
            yield _FOLDERS.sub("", _THREAD.sub(r"[\1]", frame))


@dataclass
class Frame:
    """A frame of the merged stacks: how many samples were in it, and in which frames below."""

    name: str
    count: int = 0
    below: dict[str, "Frame"] = field(default_factory=dict)


def tree(stacks: Mapping[Stack, int], least: float) -> Frame:
    """All stacks in one tree; frames with less than this share of all samples are left out."""
    root = Frame("all")
    for stack, count in stacks.items():
        frame = root
        frame.count += count
        for name in stack:
            frame = frame.below.setdefault(name, Frame(name))
            frame.count += count
    _prune(root.below, least * root.count)
    return root


def _prune(frames: dict[str, Frame], least: float) -> None:
    for name in [name for name, frame in frames.items() if frame.count < least]:
        del frames[name]
    for frame in frames.values():
        _prune(frame.below, least)


def depth(frames: Iterable[Frame]) -> int:
    """How many frames lie above each other at most."""
    return max((1 + depth(frame.below.values()) for frame in frames), default=0)
