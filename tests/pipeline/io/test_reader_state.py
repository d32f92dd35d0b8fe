from msgspec import msgpack

from pipeline.io.reader_state import (
    BEGINNING,
    GROUPS_OFFSET,
    Listed,
    Progress,
    encode,
    listing_of,
    merged,
    state_of,
)
from transforms.observe.consumer_offsets import CONSUMER_OFFSETS


def listed(partition: int, topic_id: str = "one") -> Listed:
    return Listed("_tracing", partition, topic_id, is_tracing=True, has_append_time=True)


def offsets(state: list[Progress]) -> dict[int, int]:
    return {each.listed.partition: each.offset for each in state if each.is_read}


def test_on_the_first_look_each_partition_begins_where_the_group_stands():
    assert offsets(merged(None, [listed(0), listed(1)])) == {0: GROUPS_OFFSET, 1: GROUPS_OFFSET}


def test_the_commits_of_all_groups_are_read_from_the_beginning_on_the_first_look_too():
    offsets_topic = Listed(CONSUMER_OFFSETS, 0, "one", is_tracing=False, has_append_time=False, has_links=False)
    assert offsets(merged(None, [offsets_topic])) == {0: BEGINNING}


def test_a_partition_that_is_added_later_is_read_from_its_beginning():
    assert offsets(merged([Progress(listed(0), 7)], [listed(0), listed(1)])) == {0: 7, 1: BEGINNING}


def test_a_topic_that_was_made_anew_is_read_from_its_beginning():
    assert offsets(merged([Progress(listed(0, "one"), 7)], [listed(0, "two")])) == {0: BEGINNING}


def test_a_broker_without_topic_ids_says_nothing_of_topics_made_anew():
    assert offsets(merged([Progress(listed(0, ""), 7)], [listed(0, "two")])) == {0: 7}


def test_a_partition_that_is_missing_is_not_read_and_goes_on_when_it_is_back():
    gone = merged([Progress(listed(0), 7, 1000)], [])
    assert offsets(gone) == {}
    assert offsets(merged(gone, [listed(0)])) == {0: 7}


def test_state_and_listings_come_back_from_their_bytes():
    state = [Progress(listed(3), 7, 1000, is_read=False)]
    assert state_of(encode(state)) == state
    assert listing_of(encode([listed(3)])) == [listed(3)]


def test_state_of_a_release_that_observed_nothing_is_read():
    old = [[["orders", 0, "id", False, False], 7, 1000, True]]
    [progress] = state_of(msgpack.encode(old))
    assert (progress.listed.has_links, progress.listed.is_observed, progress.offset) == (True, False, 7)
