"""A real run with groups that lag, on embedded Flink with a short retention: which deliveries are still joined."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable

import orjson
from confluent_kafka import Consumer, TopicPartition

from bench.generate import SECOND, Traffic
from bench.preload import PARTITIONS, Loader, paced
from bench.report import machine
from bench.scale.flink_curves import Extent, Measured
from bench.scale.flink_session import session
from tracing_aggregator.sizing.curves import Curve
from transforms.input.records import CONSUME

RETENTION_S = 30
#: Of the three groups. A message is kept until the minute of its statistics is past retention too.
LAGS_S = (0, 20, 120)
MESSAGES_PER_S = 100
SENDING_S = 40
_WAITS = ("hold.send.ms", "hold.ack.ms", "hold.consume.ms", "hold.commit.ms", "unacked.ms")
SETTINGS = {**dict.fromkeys(_WAITS, "10000"), "retention.ms": str(RETENTION_S * 1000)}
READ_S = 60
#: Until the last holds are over: what was written may be written again, so the number of records says little.
STRAGGLERS_S = 15


def lagging(extent: Extent, say: Callable[[str], None]) -> Measured:
    """Messages for a while, each read by three groups, two of them later."""
    sending_s = 10 if extent.quick else SENDING_S
    lags = tuple(lag * SECOND for lag in LAGS_S)
    with session(extent.warm_up // 10, SETTINGS, say) as place, place.run() as run:
        run.wait_for(place.bed.traffic.outputs)
        traffic = Traffic(
            MESSAGES_PER_S * sending_s, time.time_ns() + SECOND, SECOND // MESSAGES_PER_S, 3, ("lag",), lags=lags
        )
        loader = Loader(place.bed.servers, place.settings["tracing.topic"])

        def feed() -> None:
            for trace in paced(traffic.traces()):
                loader.produce(trace)
            loader.flush()

        say(f"Groups that lag by {', '.join(map(str, LAGS_S))} s …")
        feeder = threading.Thread(target=feed, name="feeder", daemon=True)
        feeder.start()
        feeder.join(sending_s + max(LAGS_S) + READ_S)
        run.wait_for(place.bed.traffic.outputs + traffic.outputs)
        time.sleep(STRAGGLERS_S)
        joined = _joined(place.bed.servers, place.settings["aggregated.topic"])
    rows = [{"lag s": lag, "lag / retention": lag / RETENTION_S, "joined": joined[f"group-{number}"]}
            for number, lag in enumerate(LAGS_S, start=1)]  # fmt: skip
    title = f"Embedded Flink, retention {RETENTION_S} s, over the lag of a group"
    yield "flink-lag", Curve(title, "lag s", rows, machine())


def _joined(servers: str, topic: str) -> dict[str, float]:
    """By group, the share of CONSUMEs of the lagging topic whose last revision has a latency."""
    last: dict[str, tuple[str, bool]] = {}
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench", "enable.auto.commit": False})
    places = [TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)]
    left = sum(consumer.get_watermark_offsets(place, READ_S)[1] for place in places)
    consumer.assign(places)
    deadline = time.monotonic() + READ_S
    while left and time.monotonic() < deadline:
        for message in consumer.consume(1000, 1.0):
            left -= 1
            value = orjson.loads(message.value() or b"{}")
            if value.get("type") == CONSUME and value["topic"] == "lag":
                has_latency = "durationMs" in value or last.get(value["id"], ("", False))[1]
                last[value["id"]] = value["groupId"], has_latency
    consumer.close()
    found: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for group, has_latency in last.values():
        found[group][has_latency] += 1
    return {group: count[True] / count.total() for group, count in found.items()}
