"""Histories as text: `SEND s 0 X; ACK a 2 offset 0; CONSUME c +10 offset 0 X by svc`.

A fact is a type, an id and a time (ms; `+` is after the fact before), then in any order: a correlationId,
`partition n`, `offset n`, `by client`, `group name` (`-`: none), `topic name`, `written n` (the time of its
record, if another), `record n` (its recordTimestamp) and `error=name`. `-1/-1` is partition and offset. Without
a word a fact lies at partition 0 and offset 0 of topic `t`, from producer `p` or from client `c` of group `g`.
"""

from collections.abc import Iterator
from typing import Any

from tests.histories import START, any_trace, date_at
from transforms.input.records import ACK, COMMIT, CONSUME, SEND
from transforms.input.traces import Trace

_WORDS = {"partition": "partition", "offset": "offset", "by": "client_id", "group": "group_id", "topic": "topic"}


def history(text: str) -> list[Trace]:
    """The traces of a line."""
    return list(_facts(" ".join(text.split()).rstrip(". ")))


def _facts(text: str) -> Iterator[Trace]:
    at = 0.0
    for fact in text.split(";"):
        kind, identity, time, *words = fact.split()
        at = at + float(time[1:]) if time.startswith("+") else float(time)
        fields: dict[str, Any] = {"client_id": "p" if kind in {SEND, ACK} else "c", "topic": "t"}
        fields["correlation_id"] = None
        if kind in {CONSUME, COMMIT}:
            fields["group_id"] = "g"
        extra: dict[str, Any] = {}
        written = int(at)
        tokens = iter(words)
        for word in tokens:
            if word in _WORDS:
                said: Any = next(tokens)
                fields[_WORDS[word]] = int(said) if word in {"partition", "offset"} else "" if said == "-" else said
            elif word == "-1/-1":
                fields |= {"partition": -1, "offset": -1}
            elif word == "written":
                written = int(next(tokens))
            elif word == "record":
                extra["recordTimestamp"] = START + int(next(tokens))
            elif word.startswith("error="):
                extra["error"] = word.removeprefix("error=")
            else:
                fields["correlation_id"] = word
        date = date_at(START * 10**6 + int(at * 10**6), 6)
        yield any_trace(type=kind, id=identity, date=date, timestamp=START + written, extra=extra or None, **fields)
