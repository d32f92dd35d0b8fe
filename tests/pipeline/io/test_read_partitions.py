"""One reader, driven without a runner: its state, its timer and its Kafka client are stand-ins."""

import tracemalloc
from typing import Any

import pytest
from apache_beam import pvalue
from apache_beam.utils.timestamp import Timestamp
from msgspec import msgpack

from pipeline.io.event_time import BROKER_MARGIN_MS
from pipeline.io.message_batches import COMMITS, MESSAGES, OBSERVED
from pipeline.io.partition_consumer import Skipped
from pipeline.io.read_partitions import FINDINGS, OFFSETS, ReadPartitions
from pipeline.io.reader_state import Listed, encode, state_of
from transforms.observe.consumer_offsets import CONSUMER_OFFSETS
from transforms.observe.observed_batch import ObservedBatch

READER = b"reader-0.1"
NOW_S = 1_700_000_000.0
TRACING, OTHER, ORDERS = ("_tracing", 0), ("_tracing", 1), ("orders", 0)


class Message:
    def __init__(self, place: tuple[str, int], offset: int, stamp: int) -> None:
        self.place, self._offset, self._stamp = place, offset, stamp

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 2, self._stamp

    def key(self) -> bytes:
        return b"key"

    def value(self) -> bytes:
        return b"value"

    def __len__(self) -> int:
        return 8

    def headers(self) -> list:
        return [("correlationId", b"c")]


class Client:
    """What `PartitionConsumer` gives, as the test says."""

    def __init__(self) -> None:
        self.ready: dict[tuple[str, int], list[Message]] = {}
        self.ends: set[tuple[str, int]] = set()
        self.expected: dict[tuple[str, int], int] = {}
        self.skipped: list[Skipped] = []
        self.has_more = False
        self.polled_ms = int(NOW_S * 1000)
        self.told_offsets_s = self.ask_again_s = 0.0
        self.polls = 0

    @property
    def has_messages(self) -> bool:
        return any(self.ready.values())

    def start_offsets(self, places, *, is_first_look):
        return dict.fromkeys(places, 0)

    def align(self, expected) -> None:
        self.expected |= expected

    def drop(self, places) -> None:
        pass

    def poll(self, wait_s: float) -> None:
        self.polls += 1

    def take(self, place):
        messages = self.ready.pop(place, [])
        if messages:
            self.expected[place] = messages[-1].offset() + 1
        return messages, self.expected[place]

    def is_at_end(self, place) -> bool:
        return place in self.ends


class Cell:
    def __init__(self) -> None:
        self.value: Any = None
        self.writes = 0

    def read(self) -> Any:
        return self.value

    def write(self, value: Any) -> None:
        self.value, self.writes = value, self.writes + 1


class Timer:
    _input_timestamp = Timestamp(0)

    def set(self, fire) -> None:
        self.fires_s, self.hold_ms = float(fire), self._input_timestamp.micros // 1000


class Clients:
    def __init__(self, client: Client) -> None:
        self.client = client

    def of(self, _reader: bytes, _beside: Any, _places: Any) -> Client:
        return self.client


class Reader:
    """A reader of these partitions."""

    def __init__(self, *places: tuple[str, int]) -> None:
        self.client, self.cell, self.timer, self.now = Client(), Cell(), Timer(), NOW_S
        self.fn = ReadPartitions("test", {}, bundle_s=0.1, max_delay_ms=2_000, clock=lambda: self.now)
        self.fn._clients = lambda: Clients(self.client)  # type: ignore[method-assign]
        self.fn.setup()
        self.fn.start_bundle()
        self.take_listing(*places)

    def take_listing(self, *places: tuple[str, int]) -> None:
        self.take(*(Listed(*place, "id", place != ORDERS, has_append_time=True) for place in places))

    def take(self, *listing: Listed) -> None:
        self.fn.process((READER, encode(listing)), self.cell, self.timer)

    def poll(self) -> list[Any]:
        self.fn.start_bundle()
        return list(self.fn.on_poll(READER, self.cell, self.timer))


def tagged(outputs: list[Any], tag: str) -> list[Any]:
    return [each.value for each in outputs if isinstance(each, pvalue.TaggedOutput) and each.tag == tag]


def test_the_first_listing_begins_the_loop_with_event_time_at_its_beginning():
    reader = Reader(TRACING)
    assert (reader.timer.hold_ms, reader.timer.fires_s) == (0, NOW_S)


def test_traces_leave_with_their_payload_and_business_messages_with_headers_alone():
    reader = Reader(TRACING, ORDERS)
    reader.client.ready = {
        TRACING: [Message(TRACING, 5, 10), Message(TRACING, 7, 20)],
        ORDERS: [Message(ORDERS, 1, 10)],
    }
    outputs = reader.poll()
    [batch] = [each for each in outputs if not isinstance(each, pvalue.TaggedOutput)]
    assert (batch.offsets, batch.values) == ([5, 7], [b"value", b"value"])
    [messages] = tagged(outputs, MESSAGES)
    assert (messages.values, messages.headers[0][0].value) == ([None], b"c")


def observing(*, has_links: bool = False, topic: str = "orders") -> Reader:
    reader = Reader()
    is_observed = topic == "orders"
    listed = Listed(
        topic, 0, "id", is_tracing=False, has_append_time=False, has_links=has_links, is_observed=is_observed
    )
    reader.take(listed)
    return reader


def test_of_observed_messages_columns_leave_and_nothing_that_is_in_them():
    reader = observing()
    reader.client.ready[ORDERS] = [Message(ORDERS, 7, 1_000), Message(ORDERS, 9, 2_000)]
    batch, _ = reader.poll()
    assert batch.tag == OBSERVED
    assert batch.value == ObservedBatch.of(
        ORDERS, 10, reader.client.polled_ms, [(7, 1_000, True, 8), (9, 2_000, True, 8)], ["c", "c"]
    )
    assert b"value" not in msgpack.encode(batch.value)


def test_a_topic_may_be_observed_and_give_links():
    reader = observing(has_links=True)
    reader.client.ready[ORDERS] = [Message(ORDERS, 7, 1_000)]
    assert [each.tag for each in reader.poll()] == [OBSERVED, MESSAGES, OFFSETS]


def test_an_end_that_moved_without_a_message_is_told_once():
    reader = observing()
    [begins, _] = reader.poll()
    reader.client.take = lambda _: ([], 5)  # a transaction marker
    [batch] = reader.poll()
    assert [(len(each.value), each.value.next_offset) for each in (begins, batch)] == [(0, 0), (0, 5)]
    assert reader.poll() == []


def test_records_of_consumer_offsets_leave_with_their_payload_and_are_never_committed():
    reader = observing(topic=CONSUMER_OFFSETS)
    place = (CONSUMER_OFFSETS, 0)
    reader.client.ready[place] = [Message(place, 7, 1_000)]
    commits, offsets = reader.poll()
    assert (commits.tag, commits.value.values) == (COMMITS, [b"value"])
    assert (offsets.tag, msgpack.decode(offsets.value[1])) == (OFFSETS, [])


def test_the_state_holds_the_next_offset_and_is_written_only_when_that_moves():
    reader = Reader(TRACING)
    reader.client.ready = {TRACING: [Message(TRACING, 5, 10)]}
    reader.poll()
    assert [each.offset for each in state_of(reader.cell.value)] == [6]
    before = reader.cell.writes
    reader.poll()
    assert reader.cell.writes == before


def test_the_timer_holds_event_time_at_the_least_of_the_tracing_partitions():
    reader = Reader(TRACING, OTHER, ORDERS)
    reader.client.ready = {TRACING: [Message(TRACING, 0, 5_000)], OTHER: [Message(OTHER, 0, 4_000)]}
    reader.poll()
    assert reader.timer.hold_ms == 4_000


def test_partitions_that_were_read_to_their_end_let_event_time_follow_the_clock():
    reader = Reader(TRACING)
    reader.client.ends = {TRACING}
    reader.poll()
    assert reader.timer.hold_ms == int(NOW_S * 1000) - BROKER_MARGIN_MS


def test_a_reader_without_partitions_does_not_hold_event_time_back():
    reader = Reader()
    reader.poll()
    assert reader.timer.hold_ms == int(NOW_S * 1000) - BROKER_MARGIN_MS


def test_records_that_were_gone_before_they_were_read_are_a_finding():
    reader = Reader(TRACING)
    reader.client.skipped = [Skipped(*TRACING, 40, 100), Skipped("elsewhere", 0, 1, 2)]
    [found] = tagged(reader.poll(), FINDINGS)
    assert found.id == "input-lost:_tracing/0/40"
    assert b'"count":60' in found.value
    assert reader.client.skipped == [Skipped("elsewhere", 0, 1, 2)], "another reader tells it"


def test_offsets_for_the_group_leave_now_and_then_only():
    reader = Reader(TRACING)
    [(reader_key, offsets)] = tagged(reader.poll(), OFFSETS)
    assert (reader_key, msgpack.decode(offsets)) == (READER, [["_tracing", 0, 0]])
    assert tagged(reader.poll(), OFFSETS) == []
    reader.now += 6
    assert len(tagged(reader.poll(), OFFSETS)) == 1


def test_readers_of_one_bundle_poll_once():
    reader = Reader(TRACING)
    reader.fn.start_bundle()
    for _ in range(3):
        list(reader.fn.on_poll(READER, reader.cell, reader.timer))
    assert reader.client.polls == 1


@pytest.mark.parametrize("polls", [200_000])
def test_neither_state_nor_memory_grows_with_the_number_of_polls(polls):
    reader = Reader(TRACING)
    reader.client.ends = {TRACING}

    def poll(times: int) -> None:
        for _ in range(times):
            reader.now += 0.1
            reader.client.ready = {TRACING: [Message(TRACING, 5, 10)]}
            reader.poll()

    poll(1_000)
    size = len(reader.cell.value)
    tracemalloc.start()
    poll(1_000)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    poll(polls - 3_000)
    tracemalloc.start()
    poll(1_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert abs(after - before) < 10_000
    assert len(reader.cell.value) <= size + 8
