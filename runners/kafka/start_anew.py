"""A start without state, where there should be some: refused unless it is asked for.

Offsets of the group are committed once a complete checkpoint holds them. Where there are some and no snapshot, state
was lost: read on from these offsets, nothing that was in flight then would ever be joined, and nobody would notice.
"""

import time

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.kafka.read_plan import TIMEOUT_S, Partitions

PATIENCE_S = 30
PAUSE_S = 0.5


def require_a_first_start(config: Config, found: Partitions, place: str) -> None:
    """Raises `UserError` when the group has offsets in the tracing topic, though `place` holds no snapshot."""
    settings = config.settings
    if not _has_offsets(config, found.get(settings.tracing_topic, 0)):
        return
    raise UserError(
        f"Group {settings.application_id} has read {settings.tracing_topic} before, and no snapshot of its state is "
        f"found in {place}. Without it nothing that was in flight then would be joined.",
        "Bring the state back (docs/backup.md), or name a snapshot: --from-savepoint PLACE. To give it up and go on at "
        "the offsets of the group: tracing-aggregator run --start-anew",
    )


def _has_offsets(config: Config, partitions: int) -> bool:
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    consumer = Consumer({**to_librdkafka(config.consumer_properties()), "log_level": 0})
    places = [TopicPartition(config.settings.tracing_topic, partition) for partition in range(partitions)]
    deadline = time.monotonic() + PATIENCE_S
    try:
        while True:
            try:
                return any(each.offset >= 0 for each in consumer.committed(places, timeout=TIMEOUT_S))
            except KafkaException as error:
                # The coordinator of a group that is new, or moves, is not known for a moment.
                if time.monotonic() > deadline:
                    raise UserError(
                        f"The brokers do not say what group {config.settings.application_id} has read: "
                        f"{error.args[0].str()}.",
                        "Look into it with: tracing-aggregator check; or start without that look: --start-anew",
                    ) from error
            time.sleep(PAUSE_S)
    finally:
        consumer.close()
