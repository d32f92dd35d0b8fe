"""Finding by what people have: the beginning of a correlationId, a topic, partition, position, group or client."""

import re
from difflib import get_close_matches

from tracing_aggregator.dashboard.filters import words
from tracing_aggregator.dashboard.store import Reader, Row

_EACH = 6
#: One correlationId may have many traces: so many are looked through.
_LOOKED_AT = 400
_AT = re.compile(
    r"(?P<topic>[A-Za-z0-9._-]+?)(?:/(?P<partition>\d+)(?:/(?P<offset>\d+))?|-(?P<p>\d+)@(?P<o>\d+))", re.ASCII
)
_LAST = "\U0010ffff"


def position(text: str) -> tuple[str, int, int | None] | None:
    """`topic/partition`, `topic/partition/offset` or `topic-partition@offset`; None for anything else."""
    match = _AT.fullmatch(text)
    if match is None:
        return None
    offset = match["offset"] or match["o"]
    return match["topic"], int(match["partition"] or match["p"]), None if offset is None else int(offset)


def matches(reader: Reader, text: str) -> list[Row]:
    """What the text may mean: `kind` (message, partition, topic, group or client) and `text`."""
    found = [{"kind": "message", "text": one} for one in _correlations(reader, text)]
    place = position(text)
    if place is not None and _bounds(reader, *place[:2]) is not None:
        topic, partition, offset = place
        low, high = _bounds(reader, topic, partition) or (0, 0)
        if offset is not None and low <= offset <= high:
            found.insert(0, {"kind": "message", "text": f"{topic}/{partition}/{offset}"})
        elif offset is None:
            found.append({"kind": "message", "text": f"{topic}/{partition}/{high}", "note": "the newest of it"})
    known = words(reader)
    for kind, name in (("topic", "topic"), ("group", "groupId"), ("client", "clientId")):
        fitting = [one for one in known[name] if text.lower() in one.lower()]
        fitting.sort(key=lambda one: (not one.lower().startswith(text.lower()), one))
        found += [{"kind": kind, "text": one} for one in fitting[:_EACH]]
    return found


def why(reader: Reader, text: str) -> str:
    """Why nothing is found under this text."""
    known = words(reader)
    place = position(text)
    if place is None:
        near = _near(text, [*known["topic"], *known["groupId"], *known["clientId"]])
        return f"No correlationId, topic, group or client begins like that.{near}"
    topic, partition, offset = place
    if topic not in known["topic"]:
        return f"No trace is of a topic {topic}.{_near(topic, known['topic'])}"
    bounds = _bounds(reader, topic, partition)
    if bounds is None:
        rows = reader.rows("SELECT DISTINCT partition FROM reached WHERE topic = ? ORDER BY 1", (topic,))
        known_ones = ", ".join(f"{topic}/{row['partition']}" for row in rows)
        return f"No trace is of {topic}/{partition}. Known are {known_ones}."
    low, high = bounds
    if offset is not None and offset > high:
        return f"{topic}/{partition} ends at {high}, as far as traces tell."
    if offset is not None and offset < low:
        return f"What is stored of {topic}/{partition} begins at {low}."
    return f"No trace is of {text}: its producer and its readers are not traced, or the offset is no message."


def _near(text: str, names: list[str]) -> str:
    close = get_close_matches(text, names, 1)
    return f" Did you mean {close[0]}?" if close else ""


def _correlations(reader: Reader, text: str) -> list[str]:
    rows = reader.rows(
        "SELECT DISTINCT correlationId FROM (SELECT correlationId FROM traces "
        "WHERE correlationId >= ?1 AND correlationId < ?2 ORDER BY correlationId LIMIT ?3) LIMIT ?4",
        (text, text + _LAST, _LOOKED_AT, _EACH),
    )
    return [row["correlationId"] for row in rows]


def _bounds(reader: Reader, topic: str, partition: int) -> tuple[int, int] | None:
    """The lowest and the highest offset that is stored."""
    query = "SELECT {0}(offset) FROM traces WHERE topic = ? AND partition = ? AND offset >= 0"
    low, high = (reader.value(query.format(end), (topic, partition)) for end in ("min", "max"))
    return None if low is None else (low, high)
