"""FollowGroups: the shell around FollowersView."""

import apache_beam as beam
import orjson
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from tests.histories import START, any_trace
from transforms.addresses import FOLLOW, JOIN
from transforms.follow_groups import FollowGroups
from transforms.keep_view import FINDINGS
from transforms.pack_by_key import PackByKey, Router
from transforms.packs import KeyedPack, MergePacks, decode
from transforms.records import ACK
from transforms.waits import Waits

HOUR = 3_600_000


def test_blocks_are_told_of_groups_per_partition_and_nothing_else_leaves():
    traces = [
        any_trace(type=ACK, id="a", offset=1, at=5),
        any_trace(id="c1", offset=1, at=10),
        any_trace(id="c2", offset=5, at=20),
        any_trace(id="c3", offset=5, at=30, partition=1),
    ]
    until = START + 25 * HOUR
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        packed = pipeline | beam.Create(traces) | PackByKey(Router(1, 4))
        packs = (packed[FOLLOW],) | MergePacks()
        followed = packs | FollowGroups(Waits(), 1000, 4, bounded=True)
        told = followed[JOIN] | beam.FlatMap(_told)
        assert_that(
            told,
            equal_to([
                (0, 0, ("G", "group", 1, until, START + 20, None)),
                (0, 1, ("G", "group", 4, until, None, None)),
                (1, 1, ("G", "group", 5, until, None, None)),
            ]),
        )  # fmt: skip
        assert_that(followed[FINDINGS], equal_to([]), label="no findings")


def _told(pack: KeyedPack) -> list[tuple]:
    _, partition, block = orjson.loads(pack[0])
    return [(partition, block, tuple(event)) for event in decode(pack[1])]
