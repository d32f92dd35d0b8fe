import time

import pytest

from pipeline.errors import UserError
from pipeline.io.partition_consumer import PartitionConsumer


@pytest.fixture
def client(cluster):
    made = PartitionConsumer({"bootstrap.servers": cluster.servers, "group.id": "reader"})
    yield made
    made.close()


def polled(client, place, count: int) -> tuple[list[bytes], int]:
    """Values until so many are there, and the next offset."""
    values, offset, deadline = [], -1, time.monotonic() + 20
    while len(values) < count:
        assert time.monotonic() < deadline, values
        client.poll(0.5)
        messages, offset = client.take(place)
        values += [message.value() for message in messages]
    return values, offset


def wait_for_end(client, place) -> None:
    deadline = time.monotonic() + 20
    while not client.is_at_end(place):
        assert time.monotonic() < deadline
        client.poll(0.2)
        client.take(place)


def test_each_partition_is_read_from_the_offset_that_is_expected_next(cluster, client):
    cluster.produce("each", 0, b"a", b"b", b"c")
    cluster.produce("each", 1, b"x", b"y")
    client.align({("each", 0): 1, ("each", 1): 0})
    assert polled(client, ("each", 0), 2) == ([b"b", b"c"], 3)
    assert polled(client, ("each", 1), 2) == ([b"x", b"y"], 2)


def test_what_was_polled_and_not_taken_stays_until_it_is(cluster, client):
    cluster.produce("stays", 0, b"a")
    client.align({("stays", 0): 0})
    deadline = time.monotonic() + 20
    while not client.has_messages:
        assert time.monotonic() < deadline
        client.poll(0.5)
    client.poll(0.0)
    assert [message.value() for message in client.take(("stays", 0))[0]] == [b"a"]
    assert not client.has_messages


def test_after_a_restore_reading_goes_on_where_the_state_says(cluster, client):
    cluster.produce("restored", 0, b"a", b"b", b"c")
    client.align({("restored", 0): 0})
    polled(client, ("restored", 0), 3)
    client.align({("restored", 0): 1})
    assert polled(client, ("restored", 0), 2) == ([b"b", b"c"], 3)


def test_a_partition_that_is_aligned_is_not_read_again_when_another_one_comes(cluster, client):
    cluster.produce("two", 0, b"a", b"b")
    cluster.produce("two", 1, b"x")
    client.align({("two", 0): 0})
    polled(client, ("two", 0), 2)
    client.align({("two", 0): 2, ("two", 1): 0})
    assert polled(client, ("two", 1), 1) == ([b"x"], 1)
    assert client.take(("two", 0)) == ([], 2)


def test_a_partition_is_at_its_end_once_it_was_read_and_until_there_is_more(cluster, client):
    cluster.produce("end", 0, b"a")
    client.align({("end", 0): 0})
    assert not client.is_at_end(("end", 0))
    wait_for_end(client, ("end", 0))
    cluster.produce("end", 0, b"b")
    polled(client, ("end", 0), 1)
    wait_for_end(client, ("end", 0))


def test_after_an_error_of_the_connection_no_partition_counts_as_read_to_its_end_for_a_while(cluster):
    now = [1_000.0]
    client = PartitionConsumer({"bootstrap.servers": cluster.servers, "group.id": "doubt"}, clock=lambda: now[0])
    cluster.produce("doubt", 0, b"a")
    client.align({("doubt", 0): 0})
    wait_for_end(client, ("doubt", 0))
    client._on_error(Refusal())
    assert not client.is_at_end(("doubt", 0))
    now[0] += 16
    assert client.is_at_end(("doubt", 0))
    client.close()


class Refusal:
    def str(self) -> str:
        return "connection refused"


def test_a_partition_that_is_dropped_is_read_no_longer(cluster, client):
    cluster.produce("dropped", 0, b"a")
    cluster.produce("dropped", 1, b"x")
    client.align({("dropped", 0): 0, ("dropped", 1): 0})
    client.drop({("dropped", 1)})
    polled(client, ("dropped", 0), 1)
    assert not client.has_messages


def test_without_an_offset_of_the_group_reading_begins_where_auto_offset_reset_says(cluster):
    cluster.produce("begin", 0, b"a", b"b")
    for reset, offset in (("earliest", 0), ("latest", 2)):
        client = PartitionConsumer(
            {"bootstrap.servers": cluster.servers, "group.id": f"new-{reset}", "auto.offset.reset": reset}
        )
        assert client.start_offsets([("begin", 0)], is_first_look=True) == {("begin", 0): offset}
        assert client.start_offsets([("begin", 0)], is_first_look=False) == {("begin", 0): 0}
        client.close()


def test_a_group_that_committed_goes_on_there(cluster, client):
    cluster.produce("committed", 0, b"a", b"b", b"c")
    client.commit({("committed", 0): 2})
    deadline = time.monotonic() + 20
    while client.start_offsets([("committed", 0)], is_first_look=True) != {("committed", 0): 2}:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_auto_offset_reset_none_is_told_with_what_to_do(cluster):
    cluster.produce("none", 0, b"a")
    properties = {"bootstrap.servers": cluster.servers, "group.id": "none", "auto.offset.reset": "error"}
    client = PartitionConsumer(properties)
    with pytest.raises(UserError, match=r"none/0 has no offset to go on from"):
        client.start_offsets([("none", 0)], is_first_look=True)
    client.close()


def test_an_offset_that_the_brokers_no_longer_have_is_told_and_reading_goes_on(cluster, client):
    cluster.produce("gone", 0, b"a", b"b")
    client.align({("gone", 0): 99})
    assert polled(client, ("gone", 0), 2) == ([b"a", b"b"], 2)
    [skipped] = client.skipped
    assert skipped == ("gone", 0, 99, 0)
