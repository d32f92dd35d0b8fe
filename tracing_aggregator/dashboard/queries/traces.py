"""Search in the traces, newest first, a page at a time."""

from collections.abc import Mapping

import orjson

from tracing_aggregator.dashboard.filters import WORDS
from tracing_aggregator.dashboard.store import Reader, Row
from tracing_aggregator.explain.gather import MAX_RECORDS
from tracing_aggregator.explain.subject import Subject

#: Of each fitting kind the newest page, by its index; then the newest page of these.
_BY_KIND = """
SELECT seq, date, value FROM kinds CROSS JOIN traces ON seq IN (
  SELECT seq FROM traces WHERE kind = kinds.kind AND date >= :since AND date < :until
    AND (date, seq) < (:beforeDate, :beforeSeq) ORDER BY date DESC, seq DESC LIMIT :size
) WHERE stored > 0 AND {kinds} ORDER BY date DESC, seq DESC LIMIT :size
"""
#: A message has few traces: they are found by it, and then sorted out.
_BY_MESSAGE = """
SELECT seq, date, value FROM (SELECT * FROM traces WHERE {message} ORDER BY seq DESC LIMIT :limit)
JOIN kinds USING (kind) WHERE date >= :since AND date < :until AND (date, seq) < (:beforeDate, :beforeSeq) AND {kinds}
ORDER BY date DESC, seq DESC LIMIT :size
"""
_END = 2**63 - 1


def traces(
    reader: Reader,
    wanted: Mapping[str, str],
    subject: Subject | None,
    between: tuple[int | None, int | None],
    before: tuple[int, int] | None,
    size: int,
) -> Row:
    """At most `size` values, and the cursor of the next page; None if there is none.

    Args:
        reader: the store.
        wanted: values of WORDS; what is not named may be anything.
        subject: the message, if one is looked for.
        between: from this instant up to, not including, that one, in ns; None is no bound.
        before: the cursor: date and sequence number of the last trace of the page before.
        size: how many traces a page has.
    """
    filters = {name: wanted[name] for name in WORDS if name in wanted}
    kinds = " AND ".join(["kinds.type <> ''", *(f"kinds.{name} = :{name}" for name in filters)])
    since, until = between
    after = before or (_END, _END)
    # The cursor bounds the date as well: one bound that the index knows, however deep the page.
    end = min(_END if until is None else until, after[0] + 1 if before else _END)
    parameters = {
        **filters,
        "since": -_END if since is None else since,
        "until": end,
        "beforeDate": after[0],
        "beforeSeq": after[1],
        "size": size + 1,
    }
    if subject is None:
        query = _BY_KIND.format(kinds=kinds)
    elif subject.place is None:
        query = _BY_MESSAGE.format(kinds=kinds, message="correlationId = :correlation")
        parameters |= {"correlation": subject.text, "limit": MAX_RECORDS}
    else:
        query = _BY_MESSAGE.format(kinds=kinds, message="topic = :at AND partition = :partition AND offset = :offset")
        place = subject.place
        parameters |= {"at": place.topic, "partition": place.partition, "offset": place.offset, "limit": MAX_RECORDS}
    return paged(reader.rows(query, parameters), size)


def paged(rows: list[Row], size: int) -> Row:
    """The page of these rows, of which there is one more if a page follows."""
    page = rows[:size]
    more = f"{page[-1]['date']}.{page[-1]['seq']}" if len(rows) > size else None
    return {"traces": [orjson.loads(row["value"]) for row in page], "next": more}
