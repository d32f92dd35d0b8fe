"""The first page: what was delivered and how fast, by the minute in which it was produced; who and what there is."""

from collections import defaultdict
from typing import Any

import orjson

from dashboard.ingest import bucket_ms
from dashboard.queries.span import MINUTE_MS, MINUTE_NS, Span
from dashboard.sketches import pooled, told
from dashboard.store import Reader, Row

#: The reference showed the largest shares; what is beyond is summed up.
_TOP = 20
#: ?3 is the step, which not every query asks for.
_COUNTED = "FROM counts JOIN kinds USING (kind) WHERE minute >= ?1 AND minute < ?2 AND type <> '' AND ?3 > 0"


def overview(reader: Reader, span: Span) -> Row:
    """Everything that the page shows of this span."""
    return {
        "times": [minute * MINUTE_MS // 1000 for minute in span.starts()],
        "stepMs": span.step * MINUTE_MS,
        **_delivery(reader, span),
        **_traces(reader, span),
        "heatmap": _heatmap(reader, span),
        "anomalies": reader.rows(
            "SELECT reason, sum(n) AS n FROM findings WHERE resolved = 0 GROUP BY reason ORDER BY n DESC"
        ),
        "stored": reader.value("SELECT ifnull(sum(stored), 0) FROM kinds WHERE type <> ''"),
    }


def _delivery(reader: Reader, span: Span) -> Row:
    size = len(span.starts())
    sums: dict[str, list[int | None]] = {
        name: [None] * size
        for name in ("produced", "sent", "acked", "expected", "actual", "over", "under", "committed", "slaBreaches")
    }
    sketches: dict[str, dict[int, list[Any]]] = {
        name: defaultdict(list) for name in ("ackLatencyMs", "consumeLatencyMs", "commitLatencyMs")
    }
    rows = reader.rows(
        "SELECT date, value FROM stats WHERE kind IN ('topic', 'group') AND date >= ? AND date < ?", span.nanos
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
    return {"delivery": sums, "latencies": latencies, "overall": overall}


def _traces(reader: Reader, span: Span) -> Row:
    """Numbers of traces by type and time, mean duration by type and time, shares by group, client and type."""
    size = len(span.starts())
    counted: dict[str, list[int]] = defaultdict(lambda: [0] * size)
    timed: dict[str, list[int]] = defaultdict(lambda: [0] * size)
    total: dict[str, list[int]] = defaultdict(lambda: [0] * size)
    for row in reader.rows(
        "SELECT (minute - ?1) / ?3 AS step, type, sum(n) AS n, sum(timed) AS timed, sum(totalMs) AS totalMs "
        f"{_COUNTED} GROUP BY step, type",
        span,
    ):
        kind, step = row["type"], row["step"]
        counted[kind][step], timed[kind][step], total[kind][step] = row["n"], row["timed"], row["totalMs"]
    shares: dict[str, dict[str, int]] = {name: defaultdict(int) for name in ("type", "groupId", "clientId")}
    for row in reader.rows(f"SELECT type, groupId, clientId, sum(n) AS n {_COUNTED} GROUP BY kind", span):
        for name, share in shares.items():
            if row[name]:
                share[row[name]] += row["n"]
    means = {
        kind: [total[kind][step] / count if count else None for step, count in enumerate(counts)]
        for kind, counts in timed.items()
        if any(counts)
    }
    return {
        "traces": counted,
        "meanDurationMs": means,
        "byType": _ranked(shares["type"]),
        "byGroup": _ranked(shares["groupId"]),
        "byClient": _ranked(shares["clientId"]),
    }


def _ranked(share: dict[str, int]) -> list[Row]:
    ranked = sorted(share.items(), key=lambda entry: (-entry[1], entry[0]))
    rest = sum(count for _, count in ranked[_TOP:])
    shown: list[Row] = [{"name": name, "n": count} for name, count in ranked[:_TOP]]
    return [*shown, {"name": None, "others": len(ranked) - _TOP, "n": rest}] if rest else shown


def _heatmap(reader: Reader, span: Span) -> list[Row]:
    """Numbers of deliveries by time and by duration from SEND to CONSUME."""
    rows = reader.rows(
        "SELECT (minute - ?1) / ?3 AS step, bucket, sum(n) AS n FROM durations "
        "WHERE minute >= ?1 AND minute < ?2 AND type = 'CONSUME' GROUP BY step, bucket",
        span,
    )
    for row in rows:
        number = row.pop("bucket")
        row |= {"fromMs": bucket_ms(number), "untilMs": bucket_ms(number + 1)}
    return rows
