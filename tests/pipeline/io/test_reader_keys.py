from collections import Counter

import pytest

from pipeline.io.reader_keys import instance, key_group, reader_keys

MAXIMUM = 128


@pytest.mark.parametrize("parallelism", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("used", [4, 8, 16])
def test_readers_that_have_partitions_are_spread_evenly_over_the_instances_of_a_step(parallelism, used):
    """Four partitions use the first four readers, sixteen and more use all."""
    groups = [key_group(key, MAXIMUM) for key in reader_keys(16, MAXIMUM)[:used]]
    load = Counter(instance(group, parallelism, MAXIMUM) for group in groups)
    shares = [load[number] for number in range(parallelism)]
    assert max(shares) <= -(-used // parallelism) + (parallelism == 3)
    assert max(shares) - min(shares) <= 1 + (parallelism == 3)


@pytest.mark.parametrize("maximum", [16, 100, 128, 4096])
def test_each_reader_has_a_key_of_its_own_whatever_the_highest_parallelism(maximum):
    keys = reader_keys(16, maximum)
    assert len(set(keys)) == 16
    assert all(0 <= key_group(key, maximum) < maximum for key in keys)


def test_the_key_group_is_the_one_that_flink_works_out():
    """Taken from `KeyGroupRangeAssignment.assignToKeyGroup` of Flink 1.19 with Beam 2.70's FlinkKey."""
    assert [key_group(b"reader-%d" % number, MAXIMUM) for number in range(8)] == [36, 12, 126, 112, 89, 9, 66, 6]
