"""ListPartitions: what there is to read, looked up again and again while the job runs.

In: one element to begin with. Out: `(reader, listing)` for each reader at each look, the complete list of its
partitions. A look that fails changes nothing. Partitions go to readers by number, so the share of a reader never
depends on what other topics there are.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

import apache_beam as beam
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import TimerSpec, on_timer

from pipeline.config.client_properties import to_librdkafka
from pipeline.io.hold import set_with_hold
from pipeline.io.reader_state import Listed, encode
from pipeline.io.topics_to_read import TopicsToRead
from transforms.input.records import LATEST_TIMESTAMP

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

_ASK_S = 15
_RETRY_S = 1.0
_log = logging.getLogger(__name__)


def look(admin: "AdminClient", topics: TopicsToRead) -> list[Listed]:
    """The partitions that there are to read now. Business topics that cannot be seen are left out.

    Raises `KafkaException` when the brokers do not say, or the tracing topic cannot be seen: then nothing is known.
    """
    from confluent_kafka import KafkaException, TopicCollection

    others = {name for name in admin.list_topics(timeout=_ASK_S).topics if topics.has(name)} - {topics.tracing}
    names = [topics.tracing, *sorted(others)]
    append_time = has_append_time(admin, topics.tracing)
    listed = []
    for name, answer in admin.describe_topics(TopicCollection(names), request_timeout=_ASK_S).items():
        is_tracing = name == topics.tracing
        try:
            description = answer.result(_ASK_S)
        except KafkaException as error:
            if is_tracing:
                raise
            _log.warning("%s is not read: %s", name, error)
            continue
        topic_id, has_links, is_observed = str(description.topic_id), topics.links(name), topics.observes(name)
        listed += [
            Listed(name, each.id, topic_id, is_tracing, is_tracing and append_time, has_links, is_observed)
            for each in description.partitions
        ]
    return listed


def shares(listing: Sequence[Listed], readers: Sequence[bytes]) -> dict[bytes, list[Listed]]:
    """The partitions of each reader."""
    parts: dict[bytes, list[Listed]] = {reader: [] for reader in readers}
    for listed in listing:
        first = 0 if listed.is_tracing else crc32(listed.topic.encode())
        parts[readers[(first + listed.partition) % len(readers)]].append(listed)
    return parts


def has_append_time(admin: "AdminClient", topic: str) -> bool:
    """Whether brokers date the records of a topic; records say so too, a topic without any does not."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource, ResourceType

    [answer] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)], request_timeout=_ASK_S).values()
    try:
        return str(answer.result(_ASK_S)["message.timestamp.type"].value) == "LogAppendTime"
    except KafkaException:  # not allowed to ask
        return False


class ListPartitions(beam.DoFn):
    """See the head of this file. `admin` are Java client properties, which may refer to secrets."""

    LOOK = TimerSpec("look", TimeDomain.REAL_TIME)

    def __init__(
        self,
        topics: TopicsToRead,
        admin: Mapping[str, str],
        readers: Sequence[bytes],
        interval_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._topics = topics
        self._admin_properties = dict(admin)
        self._readers = list(readers)
        self._interval_s = interval_s
        self._clock = clock
        self._admin: AdminClient | None = None
        self._has_looked = False

    def process(self, _: tuple[bytes, bytes], timer: Any = beam.DoFn.TimerParam(LOOK)) -> None:
        """Begin to look. Event time stands still until the readers have their first listing."""
        set_with_hold(timer, 0, self._clock())

    @on_timer(LOOK)
    def on_look(self, timer: Any = beam.DoFn.TimerParam(LOOK)) -> Iterator[tuple[bytes, bytes]]:
        """One look, and the time of the next. From the first one on the readers hold event time."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        if self._admin is None:
            self._admin = AdminClient({**to_librdkafka(self._admin_properties), "log_level": 0})
        try:
            listing = look(self._admin, self._topics)
        except KafkaException as error:
            _log.warning("The brokers do not say what there is to read: %s", error)
            set_with_hold(timer, LATEST_TIMESTAMP if self._has_looked else 0, self._clock() + _RETRY_S)
            return
        self._has_looked = True
        set_with_hold(timer, LATEST_TIMESTAMP, self._clock() + self._interval_s)
        for reader, share in shares(listing, self._readers).items():
            yield reader, encode(share)
