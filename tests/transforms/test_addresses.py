"""The keys of the views."""

from hypothesis import given
from hypothesis import strategies as st

from transforms.state.addresses import block_key, commits_key, parts_of, shard_key, shard_of

NAMES = st.text(min_size=1, max_size=20)


@given(NAMES, NAMES, st.integers(0, 2**31 - 1))
def test_a_commits_key_gives_its_parts_back(group, topic, partition):
    assert (group, topic, partition) == parts_of(commits_key(group, topic, partition))


@given(NAMES, st.integers(0, 2**31 - 1), st.integers(0, 2**53))
def test_a_block_key_gives_its_parts_back(topic, partition, block):
    assert (topic, partition, block) == parts_of(block_key(topic, partition, block))


@given(NAMES, NAMES, st.integers(1, 1000))
def test_a_correlation_id_of_a_topic_always_has_the_same_shard_in_range(topic, correlation, shards):
    shard = shard_of(topic, correlation, shards)
    assert shard == shard_of(topic, correlation, shards)
    assert 0 <= shard < shards


def test_the_keys_of_saved_state_do_not_change_between_releases():
    assert shard_of("topic", "correlation", 128) == 49
    assert shard_key(49) == b"49"
    assert commits_key("group", "topic", 3) == b'["group","topic",3]'
    assert block_key("topic", 3, 9) == b'["topic",3,9]'


def test_correlation_ids_spread_over_the_shards():
    shards = [shard_of("topic", f"correlation-{number}", 16) for number in range(1600)]
    assert min(shards.count(shard) for shard in range(16)) > 50
