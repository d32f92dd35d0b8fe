"""The first page: what was delivered and how fast, by the minute in which it was produced; who and what there is."""

from collections import defaultdict
from typing import Any

import orjson

from tracing_aggregator.dashboard.filters import TraceFilter, where
from tracing_aggregator.dashboard.intake.ingest import bucket_ms
from tracing_aggregator.dashboard.intake.sketches import pooled, told
from tracing_aggregator.dashboard.span import MINUTE_MS, MINUTE_NS, TimeSpan
from tracing_aggregator.dashboard.store import Reader, Row
from transforms.stats.in_flight import in_flight

#: The reference showed the largest shares; what is beyond is summed up.
_TOP = 20
_COUNTED = "FROM counts JOIN kinds USING (kind) WHERE minute >= :start AND minute < :end AND type <> ''{words}"


def overview(reader: Reader, span: TimeSpan, wanted: TraceFilter) -> Row:
    """Everything that the page shows of this span, of one topic, group and client if they are named."""
    return {
        "times": [minute * MINUTE_MS // 1000 for minute in span.starts()],
        "stepMs": span.step * MINUTE_MS,
        **delivery(reader, span, wanted),
        **_traces(reader, span, wanted),
        "heatmap": _heatmap(reader, span, wanted),
        "anomalies": open_findings(reader, span, wanted),
        "stored": reader.value("SELECT ifnull(sum(stored), 0) FROM kinds WHERE type <> ''"),
    }


def open_findings(reader: Reader, span: TimeSpan, wanted: TraceFilter) -> list[Row]:
    """Numbers of findings of the span that are not resolved, by reason."""
    given = wanted.given()
    client = " AND json_extract(value, '$.clientId') = :clientId" if given.pop("clientId", None) else ""
    since, until = span.nanos
    return reader.rows(
        "SELECT reason, sum(n) AS n FROM findings "  # noqa: S608  texts of ours
        "WHERE resolved = 0 AND date >= :since AND date < :until"
        f"{where(given)}{client} GROUP BY reason HAVING sum(n) > 0 ORDER BY n DESC",
        {**wanted.given(), "since": since, "until": until},
    )


def delivery(reader: Reader, span: TimeSpan, wanted: TraceFilter) -> Row:
    """Numbers of messages and latencies by the minute in which they were produced. Statistics know no clients."""
    size = len(span.starts())
    sums: dict[str, list[int | None]] = {
        name: [None] * size
        for name in ("produced", "sent", "acked", "expected", "actual", "over", "under", "committed", "slaBreaches")
    }
    sketches: dict[str, dict[int, list[Any]]] = {
        name: defaultdict(list) for name in ("ackLatencyMs", "consumeLatencyMs", "commitLatencyMs")
    }
    given = {name: word for name, word in wanted.given().items() if name != "clientId"}
    since, until = span.nanos
    # Of a group its own statistics, and those of the topics that it reads.
    of_group = " AND topic IN (SELECT topic FROM kinds WHERE groupId = :groupId) AND groupId IN ('', :groupId)"
    words = where({name: word for name, word in given.items() if name == "topic"})
    words += of_group if wanted.group else ""
    rows = reader.rows(
        "SELECT date, value FROM stats "  # noqa: S608  texts of ours
        f"WHERE kind IN ('topic', 'group') AND date >= :since AND date < :until{words}",
        {**given, "since": since, "until": until},
    )
    for row in rows:
        step, value = span.step_of(row["date"] // MINUTE_NS), orjson.loads(row["value"])
        for name, series in sums.items():
            if name in value:
                series[step] = (series[step] or 0) + value[name]
        for name, series_of in sketches.items():
            if name in value:
                series_of[step].append(value[name])
    pools = {name: [pooled(by_step.get(step, ())) for step in range(size)] for name, by_step in sketches.items()}
    latencies = {name: [told(pool) for pool in by_step] for name, by_step in pools.items()}
    overall = {}
    for name, by_step in pools.items():
        total = pooled(())
        for pool in by_step:
            total.merge(pool)
        overall[name] = told(total)
    of_groups = zip(sums["expected"], sums["actual"], sums["under"], strict=True)
    sums["inFlight"] = [
        None if expected is None else in_flight(expected, actual or 0, under or 0)
        for expected, actual, under in of_groups
    ]
    return {"delivery": sums, "latencies": latencies, "overall": overall}


def _traces(reader: Reader, span: TimeSpan, wanted: TraceFilter) -> Row:
    """Numbers of traces by type and time, mean duration by type and time, shares by group, client and type."""
    size = len(span.starts())
    counted: dict[str, list[int]] = defaultdict(lambda: [0] * size)
    timed: dict[str, list[int]] = defaultdict(lambda: [0] * size)
    total: dict[str, list[int]] = defaultdict(lambda: [0] * size)
    counts = _COUNTED.format(words=where(wanted.given()))
    asked = {**span._asdict(), **wanted.given()}
    for row in reader.rows(
        "SELECT (minute - :start) / :step AS step, type, sum(n) AS n, sum(timed) AS timed, sum(totalMs) AS totalMs "
        f"{counts} GROUP BY step, type",
        asked,
    ):
        kind, step = row["type"], row["step"]
        counted[kind][step], timed[kind][step], total[kind][step] = row["n"], row["timed"], row["totalMs"]
    shares: dict[str, dict[str, int]] = {name: defaultdict(int) for name in ("type", "topic", "groupId", "clientId")}
    for row in reader.rows(f"SELECT type, topic, groupId, clientId, sum(n) AS n {counts} GROUP BY kind", asked):
        for name, share in shares.items():
            if row[name]:
                share[row[name]] += row["n"]
    means = {
        kind: [total[kind][step] / count if count else None for step, count in enumerate(numbers)]
        for kind, numbers in timed.items()
        if any(numbers)
    }
    return {
        "traces": counted,
        "meanDurationMs": means,
        "byType": _ranked(shares["type"]),
        "byTopic": _ranked(shares["topic"]),
        "byGroup": _ranked(shares["groupId"]),
        "byClient": _ranked(shares["clientId"]),
    }


def _ranked(share: dict[str, int]) -> list[Row]:
    ranked = sorted(share.items(), key=lambda entry: (-entry[1], entry[0]))
    rest = sum(count for _, count in ranked[_TOP:])
    shown: list[Row] = [{"name": name, "n": count} for name, count in ranked[:_TOP]]
    return [*shown, {"name": None, "others": len(ranked) - _TOP, "n": rest}] if rest else shown


def _heatmap(reader: Reader, span: TimeSpan, wanted: TraceFilter) -> list[Row]:
    """Numbers of first deliveries by time and by duration from SEND to CONSUME."""
    given = wanted.given()
    source = (
        f"kinds CROSS JOIN kindDurations USING (kind) WHERE true{where(given, 'kinds.')}" if given else
        "durations WHERE true"
    )  # fmt: skip
    rows = reader.rows(
        f"SELECT (minute - :start) / :step AS step, bucket, sum(n) AS n FROM {source} "  # noqa: S608  texts of ours
        "AND minute >= :start AND minute < :end AND type = 'CONSUME' GROUP BY step, bucket",
        {**span._asdict(), **given},
    )
    for row in rows:
        number = row.pop("bucket")
        row |= {"fromMs": bucket_ms(number), "untilMs": bucket_ms(number + 1)}
    return rows
