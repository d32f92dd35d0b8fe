"""Invented records of the output topics: as many, and as various, as those of a busy cluster."""

import random
from collections.abc import Iterator
from typing import Any

import orjson

from pipeline.config.settings import Settings
from transforms.input.dates import NANOS_PER_MILLI, date_of, date_of_nanos
from transforms.input.records import KafkaRecord
from transforms.stats.latency_sketch import LatencySketch

TOPICS = 10
GROUPS = 3
_PARTITIONS = 6
_PRODUCERS = 20
#: SEND, ACK, and CONSUME and COMMIT of each group.
TRACES_OF_A_MESSAGE = 2 + 2 * GROUPS
_MINUTE_MS = 60_000
_ANOMALY_EVERY = 50
_MOST_UNDER = 3

Value = dict[str, Any]


class Traffic:
    """Messages, one after the other, `gap_ms` apart from `start_ms` on. The same seed gives the same."""

    def __init__(self, settings: Settings, start_ms: int, gap_ms: float, seed: int = 1) -> None:
        self._settings = settings
        self._start_ms = start_ms
        self._gap_ms = gap_ms
        self._random = random.Random(seed)  # noqa: S311  no secret
        self._number = 0
        self._offsets: dict[str, int] = {}

    @property
    def now_ms(self) -> int:
        """When the next message is produced."""
        return self._start_ms + int(self._number * self._gap_ms)

    def message(self) -> Iterator[KafkaRecord]:
        """The records of one more message: its traces, and now and then a finding."""
        number = self._number
        at = self.now_ms
        self._number += 1
        topic, partition = f"topic-{number % TOPICS}", self._random.randrange(_PARTITIONS)
        place = {"topic": topic, "partition": partition, "offset": number // TOPICS}
        message = {**place, "correlationId": f"{self._random.getrandbits(128):032x}"}
        producer = {"clientId": f"producer-{number % _PRODUCERS}"}
        yield self._trace(message | producer, f"{number}-s", at, "SEND", None)
        yield self._trace(message | producer, f"{number}-a", at + 5, "ACK", 5)
        is_skipped = number % _ANOMALY_EVERY == 0
        for index in range(is_skipped, GROUPS):
            took = int(self._random.lognormvariate(4, 1))
            reader = message | {"groupId": f"group-{index}", "clientId": f"consumer-{index}-{partition}"}
            yield self._trace(reader | {"deliveryCount": 1}, f"{number}-r{index}", at + took, "CONSUME", took)
            yield self._trace(reader, f"{number}-c{index}", at + took + 40, "COMMIT", 40)
        if is_skipped:
            finding = message | {"id": f"unconsumed:{number}", "reason": "unconsumed", "groupId": "group-0"}
            yield self._record(self._settings.anomaly_topic, at, finding | {"date": date_of(at)})

    def statistics(self, start_ms: int) -> Iterator[KafkaRecord]:
        """What the pipeline would say of a minute."""
        window = {"windowStart": date_of(start_ms)}
        for topic in (f"topic-{number}" for number in range(TOPICS)):
            produced = self._random.randint(50, 70)
            counts = {"produced": produced, "sent": produced, "acked": produced, "unknownProduceTime": 0, "groups": []}
            words = {"kind": "topic", "topic": topic, **window, "verdicts": {}}
            words["coverage"] = {"traced": produced, "offsets": produced, "ratio": 1.0}
            yield self._record(self._settings.stats_topic, start_ms, words | counts | {"ackLatencyMs": self._sketch()})
            for index in range(GROUPS):
                under = self._random.randint(0, _MOST_UNDER) if index == 0 else 0
                known = {"expected": produced, "actual": produced - under, "under": under, "over": 0, "slaBreaches": 0}
                known["committed"] = produced - under
                words = {"kind": "group", "topic": topic, "groupId": f"group-{index}", **window, "verdicts": {}}
                latencies = {"consumeLatencyMs": self._sketch(), "commitLatencyMs": self._sketch()}
                yield self._record(self._settings.stats_topic, start_ms, words | known | latencies)

    def _sketch(self) -> dict[str, Any]:
        sketch = LatencySketch()
        for _ in range(60):
            sketch.add(int(self._random.lognormvariate(4, 1)))
        return sketch.summary() or {}

    def _trace(self, known: Value, name: str, at_ms: int, phase: str, duration: int | None) -> KafkaRecord:
        timed = {} if duration is None else {"durationMs": duration}
        value = {"id": name, "date": date_of_nanos(at_ms * NANOS_PER_MILLI, 9), "type": phase, **known, **timed}
        return self._record(self._settings.aggregated_topic, at_ms, value)

    def _record(self, topic: str, at_ms: int, value: Value) -> KafkaRecord:
        self._offsets[topic] = self._offsets.get(topic, -1) + 1
        return KafkaRecord(topic, 0, self._offsets[topic], at_ms, None, orjson.dumps(value))

    def minutes(self, until_ms: int) -> range:
        """Starts of the minutes from the first message to that time."""
        return range(self._start_ms // _MINUTE_MS * _MINUTE_MS, until_ms, _MINUTE_MS)
