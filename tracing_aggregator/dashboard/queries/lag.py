"""How far groups are behind, from facts that traces tell: the highest offset sent, read and committed."""

import time
from collections import defaultdict

from tracing_aggregator.dashboard.filters import TraceFilter, where
from tracing_aggregator.dashboard.store import Reader, Row
from transforms.input.dates import NANOS_PER_MILLI

_PRODUCED = ("SEND", "ACK", "CONSUME")


def lag(reader: Reader, wanted: TraceFilter, now_ms: int | None = None) -> list[Row]:
    """For each topic and group `unread` and `uncommitted` offsets, and `ageMs` of the oldest that is unread.

    A partition ends at the highest offset of which any trace tells. A group has come to the highest offset that it
    read; it has `uncommitted` None where no commit of it is known. After a rewind it counts from where it was before.
    """
    given = wanted._replace(client=None).given()
    group = given.pop("groupId", None)
    now = time.time_ns() // NANOS_PER_MILLI if now_ms is None else now_ms
    ends: dict[tuple[str, int], int] = {}
    came: dict[tuple[str, str], dict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in reader.rows(f"SELECT * FROM reached WHERE true{where(given)}", given):  # noqa: S608  texts of ours
        place, offset = (row["topic"], row["partition"]), row["offset"]
        if row["type"] in _PRODUCED:
            ends[place] = max(ends.get(place, -1), offset)
        if row["groupId"]:
            came[row["topic"], row["groupId"]][row["partition"]][row["type"]] = offset
    found = []
    for (topic, name), partitions in sorted(came.items()):
        if group not in {None, name}:
            continue
        unread = uncommitted = 0
        oldest: list[int] = []
        has_commits = any("COMMIT" in of for of in partitions.values())
        for partition, of in partitions.items():
            end, read = ends.get((topic, partition), -1), of.get("CONSUME", of.get("COMMIT", -1))
            unread += max(0, end - read)
            uncommitted += max(0, end - of.get("COMMIT", -1)) if "COMMIT" in of else 0
            if end > read:
                oldest += _sent_after(reader, topic, partition, read)
        age = max(0, now - min(oldest) // NANOS_PER_MILLI) if oldest else 0
        found.append({
            "topic": topic, "groupId": name, "partitions": len(partitions), "unread": unread,
            "uncommitted": uncommitted if has_commits else None, "ageMs": age,
        })  # fmt: skip
    return found


def _sent_after(reader: Reader, topic: str, partition: int, offset: int) -> list[int]:
    """The date of the first message after that offset, if it is stored."""
    date = reader.value(
        "SELECT date FROM traces WHERE topic = ? AND partition = ? AND offset > ? ORDER BY offset LIMIT 1",
        (topic, partition, offset),
    )
    return [] if date is None else [date]
