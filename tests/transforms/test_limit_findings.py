"""LimitFindings on Beam: packs, state, the timer that forgets."""

from typing import Any

import apache_beam as beam
import orjson
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from tests.histories import START
from tests.pure_run import final_findings
from transforms.findings.findings import EVICTED, MINUTE_MS, UNCONSUMED, Finding, finding
from transforms.findings.limit_findings import LimitFindings, addressed
from transforms.state.addresses import LIMIT, STATS, finding_key, window_key
from transforms.state.waits import Waits
from transforms.stats.stats_facts import FindingsCounted
from transforms.stats.stats_view import StatsView

MINUTE = "2026-01-01T00:00:00.000Z"


def unconsumed(number: int, *, minute: int = 0, **known: Any) -> Finding:
    return finding(
        UNCONSUMED, f"g:t:0:{number}", topic="t", groupId="g", produced=START + minute * MINUTE_MS + number % 1000,
        **known,
    )  # fmt: skip


def key_of(found: Finding, at: int) -> bytes:
    [(_, key, _, _)] = addressed(found, at)
    return key


def test_a_finding_meets_those_of_its_reason_topic_group_and_minute():
    found = unconsumed(7, minute=1)
    [(destination, key, told, _)] = addressed(found, START)
    assert (destination, told) == (LIMIT, START)
    assert key == finding_key("unconsumed", "t", "g", START + MINUTE_MS)


def test_a_finding_without_a_date_meets_those_that_are_told_in_its_minute():
    keys = {key_of(finding(EVICTED, "x"), START + told) for told in (0, 1, MINUTE_MS - 1)}
    assert keys == {finding_key("evicted", None, None, -START)}
    assert key_of(finding(EVICTED, "x"), 0) == finding_key("evicted", None, None, 0)


def test_two_hundred_and_fifty_findings_are_a_hundred_records_and_one_summary():
    def has_all(written: list[list[tuple[bytes, bytes]]]) -> None:
        records = [record for each in written for record in each]
        final = final_findings(value for _, value in records)
        summary = final.pop(f"unconsumed:summary:t:g:{MINUTE}")
        assert (len(final), summary["count"], summary["found"]) == (100, 150, 150)
        assert final.keys() <= {found.id for found in every}
        assert all(orjson.loads(key) == {"id": orjson.loads(value)["id"]} for key, value in records)

    def has_count(packs: list[tuple[bytes, bytes]]) -> None:
        assert {key for key, _ in packs} == {window_key("t", START)}
        [told] = [fact for _, pack in packs for fact in StatsView.decode(pack)]
        assert told == FindingsCounted("unconsumed", "g", 250, 0, 1)

    every = [unconsumed(number) for number in range(250)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        limited = pipeline | beam.Create(every) | LimitFindings(Waits(), 100, bounded=True)
        assert_that(limited.anomalies, has_all, label="Anomalies")
        assert_that(limited[STATS], has_count, label="Stats")


def test_each_minute_has_a_burst_of_its_own_and_evictions_without_a_topic_have_theirs():
    def has_all(written: list[list[tuple[bytes, bytes]]]) -> None:
        records = [record for each in written for record in each]
        final = final_findings(value for _, value in records)
        summaries = {name: value["count"] for name, value in final.items() if "summary" in value}
        assert summaries == {
            f"unconsumed:summary:t:g:{MINUTE}": 2,
            "unconsumed:summary:t:g:2026-01-01T00:01:00.000Z": 1,
            "evicted:summary:::1970-01-01T00:00:00.000Z": 3,
        }
        assert len(final) == 3 * 10 + 3

    every = [unconsumed(number) for number in range(12)] + [unconsumed(number, minute=1) for number in range(20, 31)]
    every += [finding(EVICTED, str(number), count=1) for number in range(13)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        limited = pipeline | beam.Create(every) | LimitFindings(Waits(), 10, bounded=True)
        assert_that(limited.anomalies, has_all)


def test_more_findings_than_a_pack_holds_are_all_counted():
    def has_all(written: list[list[tuple[bytes, bytes]]]) -> None:
        records = [record for each in written for record in each]
        final = final_findings(value for _, value in records)
        assert final[f"unconsumed:summary:t:g:{MINUTE}"]["count"] == 2900
        assert len(records) < 200

    every = [unconsumed(number) for number in range(3000)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        limited = pipeline | beam.Create(every, reshuffle=False) | LimitFindings(Waits(), 100, bounded=True)
        assert_that(limited.anomalies, has_all)


def test_a_stream_closes_findings_one_by_one_and_forgets_them_after_retention():
    def streamed(*steps: Finding | int) -> test_stream.TestStream:
        stream = test_stream.TestStream().advance_watermark_to(Timestamp(START / 1000 - 1))
        now = 0
        for step in steps:
            if isinstance(step, int):
                now = step
                stream = stream.advance_watermark_to(Timestamp((START + now) / 1000))
            else:
                stream = stream.add_elements([TimestampedValue(step, (START + now) / 1000)])
        return stream

    def is_told(written: list[list[tuple[bytes, bytes]]]) -> None:
        records = [record for each in written for record in each]
        values = [orjson.loads(value) for _, value in records]
        assert [(value["id"].split(":")[-1][-4:], value.get("count"), "resolved" in value) for value in values] == [
            ("1", None, False),
            ("000Z", 1, False),
            ("000Z", 2, False),
            ("000Z", 1, False),
            ("000Z", 0, True),
            ("1", None, True),
            ("2", None, False),
        ]

    def is_counted(packs: list[tuple[bytes, bytes]]) -> None:
        assert [fact.count for _, pack in packs for fact in StatsView.decode(pack)] == [1, 2, 3, 2, 1, 0, 1]

    waits = Waits(retention=10 * MINUTE_MS)
    long_after = 15 * MINUTE_MS
    steps = [
        *(unconsumed(number) for number in (1, 2, 3)),
        9 * MINUTE_MS,
        *(unconsumed(number, resolved=True) for number in (2, 3, 1)),
        long_after,
        unconsumed(2),
    ]
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with beam.Pipeline(runner=BundleBasedDirectRunner(), options=options) as pipeline:
        limited = pipeline | streamed(*steps) | LimitFindings(waits, 1)
        assert_that(limited.anomalies, is_told, label="Anomalies")
        assert_that(limited[STATS], is_counted, label="Stats")
