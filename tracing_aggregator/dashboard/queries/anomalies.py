"""Findings: how many of each, and one page of them, newest first."""

from collections.abc import Mapping

import orjson

from tracing_aggregator.dashboard.store import Reader, Row

#: What findings can be filtered by.
WORDS = ("reason", "topic", "groupId")
_END = 2**63 - 1


def anomalies(
    reader: Reader,
    wanted: Mapping[str, str],
    between: tuple[int | None, int | None],
    resolved: bool | None,
    before: tuple[int, int] | None,
    size: int,
) -> Row:
    """At most `size` findings with the cursor of the next page, and how many there are of each kind.

    `wanted` has values of WORDS, `between` the bounds of their dates in ns; `resolved` None is both. `before` is the
    cursor: date in ns and row number of the last finding of the page before. A summary counts for all findings that it
    stands for.
    """
    filters: dict[str, str | int] = {name: wanted[name] for name in WORDS if name in wanted}
    if resolved is not None:
        filters["resolved"] = int(resolved)
    where = "".join(f" AND {name} = :{name}" for name in filters)
    after = before or (_END, _END)
    since, until = between
    within = "date >= :since AND date < :until"
    asked = {**filters, "since": since or 0, "until": _END if until is None else until}
    rows = reader.rows(
        "SELECT rowid AS row, date, value FROM findings "  # noqa: S608  names of ours
        f"WHERE {within} AND (date, rowid) < (:beforeDate, :beforeRow){where} "
        "ORDER BY date DESC, rowid DESC LIMIT :size",
        {**asked, "beforeDate": after[0], "beforeRow": after[1], "size": size + 1},
    )
    page = rows[:size]
    return {
        "findings": [{"resolved": False} | orjson.loads(row["value"]) for row in page],
        "next": f"{page[-1]['date']}.{page[-1]['row']}" if len(rows) > size else None,
        "counts": reader.rows(
            f"SELECT reason, topic, groupId, resolved, sum(n) AS n FROM findings WHERE {within} "  # noqa: S608  the same
            "GROUP BY resolved, reason, topic, groupId ORDER BY resolved, n DESC, reason, topic, groupId LIMIT 500",
            {"since": asked["since"], "until": asked["until"]},
        ),
    }
