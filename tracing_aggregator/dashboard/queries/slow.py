"""Traces by how long they took: those of a band, the newest first, or the slowest."""

from collections.abc import Mapping

import orjson

from tracing_aggregator.dashboard.filters import WORDS, where
from tracing_aggregator.dashboard.intake.ingest import bucket
from tracing_aggregator.dashboard.queries.traces import paged
from tracing_aggregator.dashboard.store import Reader, Row
from transforms.input.dates import NANOS_PER_MILLI

MINUTE_NS = 60_000 * NANOS_PER_MILLI
_END = 2**63 - 1
#: Up to so many are sorted; of more the newest are found along the index by date.
_FEW = 20_000
_BY_BUCKET = "FROM kinds CROSS JOIN traces INDEXED BY traces_by_bucket ON traces.kind = kinds.kind "
_BY_DATE = "FROM traces INDEXED BY traces_by_date CROSS JOIN kinds ON traces.kind = kinds.kind "
_WITHIN = (
    "AND bucket BETWEEN :low AND :high AND date >= :since AND date < :until AND durationMs BETWEEN :minMs AND :maxMs "
    "AND {words} "
)
#: What is sorted out comes from an index alone; values are fetched of the page.
_PAGE = "SELECT seq, date, value FROM traces WHERE seq IN (SELECT seq {found} {order} LIMIT :size) {order}"
_WORDS = "kinds.type <> ''{0}"


def slow(
    reader: Reader,
    wanted: Mapping[str, str],
    between: tuple[int | None, int | None],
    took: tuple[int | None, int | None],
    before: tuple[int, int] | None,
    size: int,
    *,
    slowest: bool,
) -> Row:
    """At most `size` traces of first deliveries that took from `took[0]` to `took[1]` ms, both included.

    `wanted`, `between` and `before` are those of `traces`. The slowest come without a page after.
    """
    filters = {name: wanted[name] for name in WORDS if name in wanted}
    low_ms, high_ms = took
    words = _WORDS.format(where(filters, "kinds."))
    asked: Row = {
        **filters,
        "since": -_END if between[0] is None else between[0],
        "until": _END if between[1] is None else between[1],
        "minMs": -_END if low_ms is None else low_ms,
        "maxMs": _END if high_ms is None else high_ms,
        "low": -1 if low_ms is None else bucket(low_ms),
        "high": _END if high_ms is None else bucket(high_ms),
        "size": size,
    }
    if slowest:
        asked["low"] = max(asked["low"], _threshold(reader, words, asked, size))
        found = f"{_BY_BUCKET}{_WITHIN}".format(words=words)
        rows = reader.rows(_PAGE.format(found=found, order="ORDER BY durationMs DESC, date DESC"), asked)
        return {"traces": [orjson.loads(row["value"]) for row in rows], "next": None}
    date, seq = before or (_END, _END)
    asked |= {"beforeDate": date, "beforeSeq": seq, "size": size + 1, "until": min(asked["until"], date + bool(before))}
    is_few = sum(number for _, number in _found(reader, words, asked)) <= _FEW
    found = f"{_BY_BUCKET if is_few else _BY_DATE}{_WITHIN}".format(words=words)
    found += "AND (date, seq) < (:beforeDate, :beforeSeq)"
    return paged(reader.rows(_PAGE.format(found=found, order="ORDER BY date DESC, seq DESC"), asked), size)


def _threshold(reader: Reader, words: str, asked: Row, size: int) -> int:
    """The bucket from which on there are as many as are asked for."""
    total = 0
    for number, count in _found(reader, words, asked):
        total += count
        if total >= size:
            return number
    return -1


def _found(reader: Reader, words: str, asked: Row) -> list[tuple[int, int]]:
    """Buckets with their number of traces in whole minutes within the bounds, the slowest first."""
    since, until = asked["since"], asked["until"]
    rows = reader.rows(
        "SELECT bucket, sum(n) AS n FROM kinds CROSS JOIN kindDurations USING (kind) "  # noqa: S608  texts of ours
        f"WHERE bucket BETWEEN :low AND :high AND minute >= :first AND minute < :last AND {words} "
        "GROUP BY bucket ORDER BY bucket DESC",
        {**asked, "first": -(-since // MINUTE_NS), "last": until // MINUTE_NS},
    )
    return [(row["bucket"], row["n"]) for row in rows]
