"""Lines of logs, whoever wrote them, in one form: time in UTC, level, component, message. Pure.

2026-11-27T02:11:00.123Z WARN  flink o.a.f.runtime.Task: Source failed
{"time": "2026-11-27T02:11:00.123Z", "level": "warn", "component": "flink", "logger": "…", "message": "…"}
"""

import json
import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

LEVELS = ("debug", "info", "warn", "error")
#: How long a repeated line is held back, in s.
REPEAT_S = 60.0
_KINDS = 1_000
_SHORTEST_SECRET = 4
# What the JVM's logger writes: date, thread, level, logger, message.
_OF_JAVA = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(?:Z|[+-]\d{4}) (?:\[[^\]]*\] )?"
    r"(?P<level>[A-Z]+) (?P<logger>\S+) - (?P<message>.*)"
)
_NAMED = re.compile(
    r"(?i)\b((?:[\w.-]*(?:password|passphrase|secret|token|credential)[\w.-]*)\s*[=:]\s*[\"']?)[^\s\"',;}]+"
)
_VARIES = re.compile(r"[0-9a-f]{8,}|\d+")


class Entry(NamedTuple):
    """One line. `time` is ISO 8601 in UTC; `logger` is empty where nobody named one."""

    time: str
    level: str
    component: str
    logger: str
    message: str

    def text(self) -> str:
        """The line as a person reads it in a terminal."""
        logger = f" {self.logger}" if self.logger else ""
        return f"{self.time} {self.level.upper():5} {self.component}{logger}: {self.message}"

    def json(self) -> str:
        """The line as one JSON object, for a log collector."""
        return json.dumps({name: value for name, value in self._asdict().items() if value}, ensure_ascii=False)


def entry(line: str, component: str, now: float) -> Entry:
    """An entry from a line that a component wrote; `now` (s since the epoch) is its time if it tells none."""
    found = _OF_JAVA.fullmatch(line)
    if found is None:
        return Entry(utc(now), "info", component, "", line)
    level = found["level"].lower().replace("trace", "debug").replace("warning", "warn")
    return Entry(f"{found['time']}Z", level, component, found["logger"], found["message"])


def utc(now: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Masker:
    """Takes secrets out of lines: these values wherever they stand, and what is named like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, values))) if values else None

    def __call__(self, line: str) -> str:
        """The line without them."""
        if self._values is not None:
            line = self._values.sub("***", line)
        return _NAMED.sub(r"\1***", line)


class Repeats:
    """Lets a line through once a minute; the next one that comes through tells how many did not. `clock` gives s.

    Lines are the same if they differ by numbers alone.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: By kind of line: when one came through, and how many did not since.
        self._seen: dict[tuple[str, str, str, str], tuple[float, int]] = {}

    def pass_on(self, one: Entry) -> Entry | None:
        """The entry, with the number of those that were held back; None for one that is held back itself."""
        kind = one.component, one.level, one.logger, _VARIES.sub("#", one.message)
        now, (at, held) = self._clock(), self._seen.get(kind, (float("-inf"), 0))
        if now - at < REPEAT_S:
            self._seen[kind] = at, held + 1
            return None
        if len(self._seen) >= _KINDS:
            self._seen = {kind: known for kind, known in self._seen.items() if now - known[0] < REPEAT_S}
            if len(self._seen) >= _KINDS:
                self._seen.clear()
        self._seen[kind] = now, 0
        return one._replace(message=f"{one.message} (and {held} more like it)") if held else one
