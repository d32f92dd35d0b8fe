"""What the store keeps of the records, in whatever order and however often they come."""

import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UserError
from tests.tracing_aggregator.dashboard.stores import (
    ANOMALIES,
    DEAD_LETTERS,
    PATHWAYS,
    STATS,
    TRACES,
    Made,
    group_minute,
    latencies,
)
from tests.tracing_aggregator.explain.cases import acked, committed, consumed, found, sent
from tracing_aggregator.dashboard.intake.ingest import bucket, bucket_ms
from tracing_aggregator.dashboard.intake.retention import STEP, trim
from tracing_aggregator.dashboard.intake.sketches import merged, shortened
from tracing_aggregator.dashboard.store import Reader, open_store
from transforms.input.records import KafkaRecord
from transforms.stats.latency_sketch import LatencySketch

START = "2026-01-02T23:30:00.000Z"


def stored(made: Made) -> list[dict]:
    return [orjson.loads(row["value"]) for row in made.reader.rows("SELECT value FROM traces ORDER BY id")]


def tallies(made: Made) -> tuple:
    """What the triggers keep, and the same counted anew."""
    reader = made.reader
    kept = (
        reader.rows("SELECT minute, kind, n, timed, totalMs FROM counts ORDER BY 1, 2"),
        reader.rows("SELECT minute, type, bucket, n FROM durations ORDER BY 1, 2, 3"),
        reader.rows("SELECT kind, stored FROM kinds WHERE stored > 0 ORDER BY 1"),
    )
    counted = (
        reader.rows(
            "SELECT date / 60000000000 AS minute, kind, count(*) AS n, count(durationMs) AS timed, "
            "ifnull(sum(durationMs), 0) AS totalMs FROM traces GROUP BY 1, 2 ORDER BY 1, 2"
        ),
        reader.rows(
            "SELECT date / 60000000000 AS minute, type, bucket, count(*) AS n FROM traces JOIN kinds USING (kind) "
            "WHERE bucket IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ),
        reader.rows("SELECT kind, count(*) AS stored FROM traces GROUP BY 1 ORDER BY 1"),
    )
    return kept, counted


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_highest_revision_of_a_trace_stays_in_any_order_of_arrival(made, order):
    revisions = [
        acked(id="a", durationMs=None),
        acked(id="a", revision=2),
        acked(id="a", revision=3, durationMs=15, clientId="p2"),
    ]
    made.take(TRACES, [revisions[index] for index in order])
    assert stored(made) == [revisions[2]]
    kept, counted = tallies(made)
    assert kept == counted


def test_a_withdrawn_trace_is_not_shown_and_does_not_come_back(made):
    made.take(TRACES, [committed(id="c", revision=2, withdrawn=True), committed(id="c")])
    assert made.reader.value("SELECT count(*) FROM traces JOIN kinds USING (kind) WHERE type <> ''") == 0
    assert made.reader.value("SELECT revision FROM traces") == 2


def test_records_that_come_again_change_nothing_but_how_many_were_read(made):
    values = [sent(), acked(), consumed(), committed()]
    made.take(TRACES, values).take(TRACES, values)
    assert made.reader.value("SELECT count(*) FROM traces") == 4
    kept, counted = tallies(made)
    assert kept == counted
    assert made.reader.value("SELECT records FROM partitions") == 8


@pytest.mark.parametrize(
    "value",
    [b"no json", b"[]", b"{}", b'"text"', b'{"id": 1}', sent(date="yesterday"), sent(clientId=[1]), sent(offset="7"),
     sent(offset=10**30), sent(correlationId=7), acked(durationMs=True), consumed(groupId={})],
)  # fmt: skip
def test_what_is_no_record_of_ours_is_counted_and_passed_over(made, value):
    made.take(TRACES, [value, sent()])
    assert made.reader.rows("SELECT records, unreadable FROM partitions") == [{"records": 2, "unreadable": 1}]
    assert len(stored(made)) == 1


def test_a_tombstone_says_nothing(made):
    made.take(TRACES, [None])
    assert made.reader.rows("SELECT records, unreadable FROM partitions") == [{"records": 1, "unreadable": 0}]


def test_a_finding_keeps_what_earlier_records_told_and_is_resolved_only_by_the_last(made):
    made.take(
        ANOMALIES, [found("unacked", date=START), {"id": "unacked:subject", "reason": "unacked", "resolved": True}]
    )
    [row] = made.reader.rows("SELECT topic, offset, resolved FROM findings")
    assert row == {"topic": "orders", "offset": 42, "resolved": 1}
    made.take(ANOMALIES, [found("unacked", date=START)])
    assert made.reader.value("SELECT resolved FROM findings") == 0


def test_a_summary_counts_for_all_that_it_stands_for(made):
    made.take(ANOMALIES, [found("late", id="s", summary=True, count=70, found=80, windowStart=START, firstDate=START)])
    assert made.reader.value("SELECT n FROM findings") == 70


def test_statistics_are_upserts_and_go_when_they_are_withdrawn(made):
    made.take(
        STATS, [group_minute(START, expected=1), group_minute(START, expected=2, consumeLatencyMs=latencies(5, 9))]
    )
    [row] = made.reader.rows("SELECT value FROM stats")
    assert orjson.loads(row["value"])["expected"] == 2
    made.take(
        STATS, [{"kind": "group", "topic": "orders", "groupId": "billing", "windowStart": START, "withdrawn": True}]
    )
    assert made.reader.value("SELECT count(*) FROM stats") == 0


def test_a_pathway_keeps_its_highest_revision_and_names_its_route_once(made):
    read = {"fromTopic": "orders", "groupId": "g", "clientId": "c", "consumedAt": START}
    hop = read | {"toTopic": "bills", "sentBy": "c", "sentAt": START}
    pathway = {"correlationId": "c", "origin": {"topic": "orders"}, "hops": [hop], "complete": True}
    made.take(PATHWAYS, [pathway | {"revision": 2}, pathway | {"hops": [hop, hop]}])
    [row] = made.reader.rows("SELECT route, revision FROM pathways")
    assert row == {"route": "orders → bills", "revision": 2}


def test_dead_letters_are_kept_by_reason(made):
    place = {"topic": "_tracing", "partition": 0, "offset": 1, "timestamp": 5}
    made.take(DEAD_LETTERS, [{"id": "_tracing/0/1", "reason": "not-json", "detail": "…", "value": "eA==", **place}])
    assert made.reader.value("SELECT date FROM deadLetters") == 5_000_000


def test_positions_are_written_with_their_records_or_not_at_all(made, monkeypatch):
    def fail(*_: object) -> None:
        raise MemoryError

    made.take(TRACES, [sent()])
    monkeypatch.setitem(made.ingest._takers, TRACES, fail)
    with pytest.raises(MemoryError):
        made.ingest.take([KafkaRecord(TRACES, 0, 1, -1, None, b"{}")])
    assert made.reader.value("SELECT next FROM partitions") == 1


def test_the_oldest_traces_go_in_steps_until_the_limit_holds_and_tallies_follow(made):
    made.take(TRACES, [acked(minute * 60_000, id=f"{minute:05}", durationMs=minute) for minute in range(STEP + 200)])
    assert trim(made.connection, 100) == STEP
    assert trim(made.connection, 100) == 100
    assert trim(made.connection, 100) == 0
    assert made.reader.value("SELECT min(id) FROM traces") == f"{STEP + 100:05}"
    kept, counted = tallies(made)
    assert kept == counted


def test_findings_are_kept_to_a_tenth_of_the_traces(made):
    made.take(ANOMALIES, [found("late", id=str(number), date=START) for number in range(30)])
    trim(made.connection, 100)
    assert made.reader.value("SELECT count(*) FROM findings") == 10


@given(st.lists(st.integers(-(10**6), 10**9), min_size=1), st.lists(st.integers(-(10**6), 10**9)))
def test_latencies_that_were_shortened_and_merged_are_those_of_all_at_once(some, others):
    total = LatencySketch()
    for ms in some + others:
        total.add(ms)
    shown = merged([shortened(latencies(*some)), *([shortened(latencies(*others))] if others else [])])
    expected = total.summary()
    assert shown is not None
    assert expected is not None
    assert [shown[name] for name in ("count", "min", "max", "p50", "p99")] == [
        expected[name] for name in ("count", "min", "max", "p50", "p99")
    ]
    assert shown["avg"] == pytest.approx(expected["avg"], abs=0.001)


@given(st.integers(-5, 10**10))
def test_a_duration_lies_in_its_bucket(ms):
    number = bucket(ms)
    if ms > 0:
        assert bucket_ms(number) * (1 - 1e-9) <= ms < bucket_ms(number + 1) * (1 + 1e-9)
    else:
        assert number == (0 if ms == 0 else -1)


def test_a_file_that_is_no_store_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "other.sqlite"
    path.write_text("no database, but long enough to be looked at " * 20)
    with pytest.raises(UserError, match="--store FILE"):
        open_store(path)


def test_a_store_of_another_version_is_refused(tmp_path):
    open_store(tmp_path / "s").execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="not made by this version"):
        open_store(tmp_path / "s")


def test_reading_a_store_that_is_not_there_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(UserError, match="tracing-aggregator dashboard --store"):
        Reader(tmp_path / "none")


def test_a_pathway_without_any_date_is_unreadable_and_stops_nothing(made):
    made.take(PATHWAYS, [{"correlationId": "c", "origin": {"topic": "orders"}, "hops": [], "revision": 1}])
    assert made.reader.value("SELECT sum(unreadable) FROM partitions") == 1
