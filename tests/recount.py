"""Statistics, recounted from raw files at once, slowly and obviously. It shares no code with the pipeline.

`python tests/recount.py FILE… ` prints them. It knows neither blocks nor order of arrival nor sketches, and takes for
granted what a plain history has: in a topic each correlationId has one SEND and one position.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

MINUTE = 60_000
HOUR = 60 * MINUTE
Place = tuple[str, int, int]


class Window(NamedTuple):
    """What a record of the statistics is about; `group` is empty for the whole topic, `start` is in ms."""

    topic: str
    group: str
    start: int


class Rules(NamedTuple):
    """Settings that matter, in ms; `sla` is the limit of a group."""

    buffer: int = MINUTE
    retention: int = 24 * HOUR
    sla: tuple[tuple[str, int], ...] = ()


def recount(files: Iterable[Path], rules: Rules = Rules(), tracing: str = "_tracing") -> dict[Window, dict[str, Any]]:  # noqa: B008, C901, PLR0912, PLR0915  a story told once, from the top
    """Counts, coverage, and all latencies in rising order, by window."""
    traces: dict[str, dict[str, Any]] = {}
    headers: dict[Place, list[tuple[int, str | None]]] = defaultdict(list)
    end = 0
    for line in (line for file in files for line in file.read_text().splitlines()):
        record = json.loads(line)
        end = max(end, record["ts"])
        if record["topic"] == tracing:
            trace = json.loads(record["payload"])
            traces[trace["id"]] = trace | {"ts": record["ts"], "nanos": nanos_of(trace["date"])}
        else:
            names = dict(zip(record["headers"][::2], record["headers"][1::2], strict=True))
            place = (record["topic"], record["partition"], record["offset"])
            headers[place].append((record["ts"], names.get("correlationId")))

    of_type = defaultdict(list)
    for trace in sorted(traces.values(), key=lambda trace: (trace["nanos"], trace["id"])):
        of_type[trace["type"]].append(trace)
    acks, reads = defaultdict(list), defaultdict(lambda: defaultdict(list))
    for ack in of_type["ACK"]:
        if ack["offset"] >= 0:
            acks[place_of(ack)].append(ack)
    for read in of_type["CONSUME"]:
        reads[place_of(read)][read["groupId"]].append(read)

    places: dict[tuple[str, str], Place] = {}
    for ack in (ack for at in acks.values() for ack in at if "correlationId" in ack):
        places[ack["topic"], ack["correlationId"]] = place_of(ack)
    for read in of_type["CONSUME"]:
        places[read["topic"], read["correlationId"]] = place_of(read)
    for place, links in headers.items():
        places.update({(place[0], name): place for _, name in links if name})
    sends = {}
    for send in of_type["SEND"]:
        place = places.get((send["topic"], send["correlationId"]))
        if place is not None:
            sends.setdefault(place, send)

    # Who follows which partition, from where, and until when
    starts: dict[tuple[str, int, str], int] = {}
    untils: dict[tuple[str, int, str], int] = {}
    for trace in of_type["CONSUME"] + of_type["COMMIT"]:
        follower = (trace["topic"], trace["partition"], trace["groupId"])
        position = trace["offset"] + (trace["type"] == "COMMIT")
        starts[follower] = min(position, starts.get(follower, position))
        untils[follower] = max(trace["ts"], untils.get(follower, 0))
    committing = {(c["topic"], c["partition"], c["groupId"]) for c in of_type["COMMIT"]}

    counted: dict[Window, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    latencies: dict[Window, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    spans: dict[tuple[Window, int], set[int]] = defaultdict(set)
    for place in acks.keys() | reads.keys() | headers.keys() | sends.keys():
        topic, partition, offset = place
        send = sends.get(place)
        held = acks[place] + [read for group in reads[place].values() for read in group]
        said = [trace["recordTimestamp"] for trace in held if "recordTimestamp" in trace]
        said = said or [ts for ts, _ in headers.get(place, ())]
        produced = send["nanos"] if send else min(said) * 10**6 if said else None
        dates = [trace["nanos"] for trace in held] + [ts * 10**6 for ts, _ in headers.get(place, ())]
        moment = (min(dates) if produced is None else produced) // 10**6
        window = Window(topic, "", moment - moment % MINUTE)

        count = counted[window]
        count["produced"] += 1
        count["sent"] += send is not None
        count["acked"] += bool(acks[place])
        count["unknownProduceTime"] += produced is None
        count["traced"] += send is not None or bool(acks[place])
        spans[window, partition].add(offset)
        if acks[place] and produced is not None:
            latencies[window]["ackLatencyMs"].append(millis(produced, acks[place][0]["nanos"]))

        known_since = min(
            trace["ts"]
            for trace in [*held, *([send] if send else []), *({"ts": ts} for ts, _ in headers.get(place, ()))]
        )
        since = known_since if produced is None else produced // 10**6
        for _, _, group in (one for one in starts if one[:2] == (topic, partition)):
            follower, window_of_group = (topic, partition, group), window._replace(group=group)
            until = -(-untils[follower] // HOUR) * HOUR + rules.retention
            deliveries = reads[place].get(group, [])
            if not deliveries and not (offset >= starts[follower] and since <= until):
                continue
            count = counted[window_of_group]
            count["expected"] += 1
            count["actual"] += bool(deliveries)
            count["over"] += max(len(deliveries) - 1, 0)
            count["under"] += not deliveries and since <= end - rules.buffer
            count["commitsSeen"] += follower in committing
            if not deliveries:
                continue
            first = deliveries[0]
            if produced is not None:
                latency = millis(produced, first["nanos"])
                latencies[window_of_group]["consumeLatencyMs"].append(latency)
                count["slaBreaches"] += any(name == group and latency > limit for name, limit in rules.sla)
            settling = [
                commit
                for commit in of_type["COMMIT"]
                if (commit["topic"], commit["partition"], commit["groupId"]) == follower
                and commit["offset"] >= offset
                and commit["nanos"] >= first["nanos"]
            ]
            if settling:
                count["committed"] += 1
                latencies[window_of_group]["commitLatencyMs"].append(millis(first["nanos"], settling[0]["nanos"]))

    for (window, _), offsets in spans.items():
        counted[window]["offsets"] += max(offsets) - min(offsets) + 1
    return {
        window: dict(counts) | {name: sorted(values) for name, values in latencies[window].items()}
        for window, counts in counted.items()
    }


def place_of(trace: dict[str, Any]) -> Place:
    """Where it happened."""
    return trace["topic"], trace["partition"], trace["offset"]


def nanos_of(date: str) -> int:
    """The instant of a date."""
    whole, _, fraction = date.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return int((seconds + Fraction(f"0.{fraction or 0}")) * 10**9)


def millis(start: int, end: int) -> int:
    """From one instant (ns) to another, cut toward zero."""
    return int(Fraction(end - start, 10**6))


if __name__ == "__main__":
    for found, facts in sorted(recount(map(Path, sys.argv[1:])).items()):
        print(*found, json.dumps(facts))  # noqa: T201
