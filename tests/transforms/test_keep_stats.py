"""KeepStats on Beam's runners: early records, late ones, final ones without further traffic, and bounded input."""

from typing import Any

import apache_beam as beam
import orjson
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from transforms.state.addresses import skew_key, window_key
from transforms.state.packs import KeyedPack, MergePacks, pack_of
from transforms.state.waits import Waits
from transforms.stats.keep_stats import KeepStats
from transforms.stats.stats_facts import BlockPlace, ClockBound, TopicTallied, TopicTally

MINUTE = 60_000
START = 1_795_359_240_000
WAITS = Waits(retention=10 * MINUTE)
FINAL = START + MINUTE + WAITS.retention + WAITS.trim_interval + MINUTE
KEY = window_key("orders", START)


def any_pack(produced: int, block: int = 0, key: bytes = KEY, sequence: int = 1) -> KeyedPack:
    return key, pack_of([TopicTallied(BlockPlace(0, block), TopicTally(produced=produced), 0, sequence)])


def told(written: list[list[tuple[bytes, bytes]]]) -> list[tuple[int, bool]]:
    """Messages produced and whether that is final, in the order in which it was written."""
    values: list[dict[str, Any]] = [orjson.loads(value) for records in written for _, value in records]
    return [(value["produced"], "final" in value) for value in values]


def test_a_stream_writes_early_late_and_final_records_and_drops_nothing():
    def steps(records):
        assert told(records) == [(2, False), (3, False), (8, False), (8, True)]

    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    stream = test_stream.TestStream().advance_watermark_to(Timestamp(START / 1000))
    for time, pack in ((1000, any_pack(2)), (30_000, any_pack(3, sequence=2)), (5 * MINUTE, any_pack(5, block=1))):
        stream = stream.advance_watermark_to(Timestamp((START + time) / 1000))
        stream = stream.add_elements([TimestampedValue(pack, START / 1000)])
    stream = stream.advance_watermark_to(Timestamp((FINAL + 10_000) / 1000)).advance_watermark_to_infinity()
    with beam.Pipeline(runner=BundleBasedDirectRunner(), options=options) as pipeline:
        packs = pipeline | stream | beam.Map(lambda pack: pack).with_output_types(KeyedPack)
        assert_that(packs | KeepStats(WAITS), steps)


@pytest.mark.parametrize("end", [FINAL - 1, FINAL + 10_000])
def test_bounded_input_writes_each_record_once_and_final_only_if_it_reached_that_far(end):
    def steps(records):
        assert sorted(told(records)) == [(1, end > FINAL), (8, end > FINAL)]

    other = window_key("payments", START)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        given = [any_pack(2), any_pack(5, block=1), any_pack(1, key=other), any_pack(3, sequence=2)]
        packs = pipeline | "Packs" >> beam.Create(given, reshuffle=False).with_output_types(KeyedPack)
        ended = pipeline | "End" >> beam.Create([end])
        assert_that((packs,) | MergePacks(ended) | KeepStats(WAITS, bounded=True), steps)


def test_windows_and_pairs_of_clocks_are_kept_side_by_side():
    def steps(written):
        kinds = {orjson.loads(value)["kind"]: orjson.loads(key) for records in written for key, value in records}
        start = "2026-11-22T14:54:00.000Z"
        assert kinds == {
            "topic": {"topic": "orders", "windowStart": start},
            "clockSkew": {"clients": ["a", "b"], "windowStart": start},
        }

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        bound = skew_key("a", "b", START), pack_of([ClockBound("orders-0", "a", "b", 5, 0, 1)])
        packs = pipeline | beam.Create([any_pack(1), bound], reshuffle=False).with_output_types(KeyedPack)
        assert_that(packs | KeepStats(WAITS, cluster=""), steps)
