"""The reference of statistics: what a whole history adds up to, per partition, group and minute of produce time."""

from collections import defaultdict
from dataclasses import dataclass, field

from tests.reference_history import History, Message, millis_between, nanos
from transforms.state.waits import Waits

#: Topic, partition, group (None: whoever reads), window (ms).
TallyKey = tuple[str, int, str | None, int]


@dataclass
class Tally:
    """Counts, and latencies (ms) in rising order."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    latencies: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def tallies(history: History, waits: Waits) -> dict[TallyKey, Tally]:
    """All tallies when all time has passed, but those of windows that were past retention before the first fact."""
    found: dict[TallyKey, Tally] = defaultdict(Tally)
    for message in history.lives():
        if message.window + 60_000 + waits.retention <= history.earliest:
            continue
        place = (message.topic, message.partition)
        _add_message(found[*place, None, message.window], message)
        for group in history.groups(*place):
            if group in message.reads or history.expects(group, message, waits.retention):
                _add_to_group(found[*place, group, message.window], message, group, history)
    for tally in found.values():
        for latencies in tally.latencies.values():
            latencies.sort()
    return dict(found)


def _add_message(tally: Tally, message: Message) -> None:
    counts = tally.counts
    counts["low"] = min(message.offset, counts.get("low", message.offset))
    counts["high"] = max(message.offset, counts["high"])
    counts["produced"] += 1
    counts["sent"] += message.send is not None
    counts["acked"] += bool(message.acks)
    counts["traced"] += message.send is not None or bool(message.acks)
    counts["unknownProduceTime"] += message.produced is None
    if message.produced is not None and message.acks:
        tally.latencies["ack"].append(millis_between(message.produced, nanos(message.acks[0])))


def _add_to_group(tally: Tally, message: Message, group: str, history: History) -> None:
    counts, reads = tally.counts, message.reads.get(group, [])
    _, commits = history.facts_of(group, message.topic, message.partition)
    counts["commitsSeen"] = bool(commits)
    counts["expected"] += 1
    counts["actual"] += bool(reads)
    counts["over"] += max(len(reads) - 1, 0)
    counts["under"] += not reads
    counts["slaBreaches"] += 0
    commit = history.covering(reads[0]) if reads else None
    counts["committed"] += commit is not None
    if reads and message.produced is not None:
        tally.latencies["consume"].append(millis_between(message.produced, nanos(reads[0])))
    if commit is not None:
        tally.latencies["commit"].append(millis_between(nanos(reads[0]), nanos(commit)))
