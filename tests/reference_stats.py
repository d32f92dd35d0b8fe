"""The reference of `_traceStats`: the records of a whole history, from its tallies and findings."""

from collections import Counter, defaultdict
from fractions import Fraction
from typing import Any

from tests.reference_history import History, Message, iso, nanos
from tests.reference_tallies import Tally, TallyKey
from transforms.state.waits import Waits

_PERCENTS = (50, 90, 95, 99)
_HOUR = 3_600_000
_TOPIC_COUNTS = ("produced", "sent", "acked", "unknownProduceTime")
_GROUP_COUNTS = ("expected", "actual", "over", "under", "committed", "slaBreaches")
#: Key of a record: its fields in order.
StatsKey = tuple[Any, ...]


def summary(latencies: list[int]) -> dict[str, Any] | None:
    """What is published of latencies (ms, in rising order): exact quantiles; no sketch."""
    if not latencies:
        return None
    ranks = {f"p{percent}": latencies[(len(latencies) - 1) * percent // 100] for percent in _PERCENTS}
    average = round(sum(latencies) / len(latencies), 3)
    return {"count": len(latencies), "min": latencies[0], "avg": average, "max": latencies[-1], **ranks}


def stats(tallies: dict[TallyKey, Tally]) -> dict[StatsKey, dict[str, Any]]:
    """The records of topics, `(topic, window)`, and of groups, `(topic, group, window)`; verdicts aside.

    `groups` are those that have a tally.
    """
    parts: dict[tuple[str, str | None, int], list[Tally]] = defaultdict(list)
    for (topic, _, group, window), tally in tallies.items():
        parts[topic, group, window].append(tally)
    records: dict[StatsKey, dict[str, Any]] = {}
    for (topic, group, window), of_partitions in parts.items():
        counts = Counter[str]()
        latencies: dict[str, list[int]] = defaultdict(list)
        for tally in of_partitions:
            counts.update({name: int(count) for name, count in tally.counts.items()})
            for name, ms in tally.latencies.items():
                latencies[name] = sorted(latencies[name] + ms)
        if group is None:
            offsets = sum(tally.counts["high"] - tally.counts["low"] + 1 for tally in of_partitions)
            ratio = round(counts["traced"] / offsets, 4)
            facts: dict[str, Any] = {name: counts[name] for name in _TOPIC_COUNTS}
            facts["coverage"] = {"traced": counts["traced"], "offsets": offsets, "ratio": ratio}
            facts["ackLatencyMs"] = summary(latencies["ack"])
            facts["groups"] = {name for (of, name, at) in parts if (of, at) == (topic, window) and name is not None}
            records[topic, iso(window)] = {"kind": "topic", **facts}
        else:
            facts = {name: counts[name] for name in _GROUP_COUNTS}
            facts["commits"] = None if counts["commitsSeen"] else "none seen"
            facts |= {f"{name}LatencyMs": summary(latencies[name]) for name in ("consume", "commit")}
            records[topic, group, iso(window)] = {"kind": "group", **facts}
    return {key: {name: fact for name, fact in record.items() if fact is not None} for key, record in records.items()}


def skews(history: History, waits: Waits) -> dict[StatsKey, dict[str, Any]]:
    """The records of the clocks of two clients, `(one, other, hour)`.

    A block compares a message with the one before it in its block and minute that has a SEND: the rest it does not see
    together.
    """
    bounds: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    seen_together: dict[tuple[str, int, int, int], list[Message]] = defaultdict(list)
    for message in sorted(history.lives(), key=lambda message: message.place):
        if message.window + 60_000 + waits.retention > history.earliest:
            place = (message.topic, message.partition, message.offset // history.block_size, message.window)
            seen_together[place].append(message)
    for (*_, window), messages in seen_together.items():
        sends = [message.send for message in messages if message.send]
        for message, before in zip([m for m in messages if m.send], [None, *sends], strict=False):
            pairs = [(reads[0], message.send) for reads in message.reads.values()]
            pairs += [(message.acks[0], before)] if message.acks and before else []
            for later, send in pairs:
                if send is not None and later.client_id != send.client_id:
                    elapsed = Fraction(nanos(later) - nanos(send), 10**6)
                    bounds[later.client_id, send.client_id, window - window % _HOUR].append(-int(-elapsed // 1))
    records = {}
    for of, over, hour in bounds:
        one, other = min(of, over), max(of, over)
        ahead, behind = bounds.get((other, one, hour)), bounds.get((one, other, hour))
        upper, lower = min(ahead) if ahead else None, -min(behind) if behind else None
        record: dict[str, Any] = {"kind": "clockSkew", "lowerMs": lower, "upperMs": upper}
        if lower is not None and upper is not None:
            record |= {"inconsistent": True} if lower > upper else {"correctionMs": (lower + upper) / 2}
        records[one, other, iso(hour)] = record
    return records
