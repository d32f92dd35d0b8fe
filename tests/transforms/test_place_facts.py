"""PlaceFacts: the four kinds of views, side by side in one step."""

import apache_beam as beam
import numpy as np
import orjson
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from tests.histories import START, any_trace
from transforms.input.pack_by_key import PackByKey
from transforms.input.records import ACK, COMMIT, SEND
from transforms.join.block_view import BlockView
from transforms.locate.place_facts import PlaceFacts
from transforms.state.addresses import JOIN, PLACE
from transforms.state.batches import Traces
from transforms.state.facts import CommitUpTo, GroupExpectation, LocatedSends
from transforms.state.keep_view import FINDINGS
from transforms.state.packs import KeyedPack, MergePacks
from transforms.state.waits import Waits

HOUR = 3_600_000


def test_blocks_are_told_of_sends_of_commits_and_of_groups_and_each_send_is_written():
    traces = [
        any_trace(type=SEND, id="s", correlation_id="x", at=0),
        any_trace(type=ACK, id="a", offset=1, at=5),
        any_trace(id="c1", offset=1, at=10, correlation_id="x"),
        any_trace(id="c2", offset=5, at=20, correlation_id="y"),
        any_trace(type=COMMIT, id="k", offset=1, at=15),
    ]
    until = START + 25 * HOUR
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        packed = pipeline | beam.Create([Traces(traces)]) | PackByKey(1, 4)
        packs = (packed[PLACE],) | MergePacks()
        placed = packs | PlaceFacts(Waits(), 1000, 4, bounded=True)
        told = placed[JOIN] | beam.FlatMap(_told)
        assert_that(
            told,
            equal_to([
                (0, "SEND", 1, "s"), (0, "COMMIT", 1, "k"),
                (0, GroupExpectation("group", 1, until, START + 20, START + 15)),
                (1, GroupExpectation("group", 4, until, None, START + 15)),
            ]),
        )  # fmt: skip
        written = placed.traces | beam.FlatMap(lambda records: [orjson.loads(value)["id"] for _, value in records])
        assert_that(written, equal_to(["s"]), label="traces")
        assert_that(placed[FINDINGS], equal_to([]), label="no findings")


def _told(pack: KeyedPack) -> list[tuple]:
    _, _, block = orjson.loads(pack[0])
    return [(block, *_said(fact)) for fact in BlockView.decode(pack[1])]


def _said(fact: object) -> tuple:
    if isinstance(fact, LocatedSends):
        return "SEND", *np.frombuffer(fact.offsets, np.int64).tolist(), *fact.ids
    return ("COMMIT", fact.offset, fact.id) if isinstance(fact, CommitUpTo) else (fact,)
