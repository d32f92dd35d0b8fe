"""Keeps the store bounded: what is over the limit goes, the oldest first, in steps that hold nobody up."""

import sqlite3

from tracing_aggregator.dashboard.store import transaction

#: Rows deleted in one transaction: some ms.
STEP = 1000
#: Of findings, statistics, pathways and dead letters the store keeps this part of the number of traces, each.
SHARE = 10
_OTHERS = ("findings", "stats", "pathways", "deadLetters")


def trim(connection: sqlite3.Connection, keep: int) -> int:
    """Delete one step of what is over the limits: `keep` traces. Returns how many rows went: 0 when all is well."""
    over = {"traces": connection.execute("SELECT sum(stored) FROM kinds").fetchone()[0] or 0} | {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  names of ours
        for table in _OTHERS
    }
    gone = 0
    for table, rows in over.items():
        surplus = rows - (keep if table == "traces" else max(keep // SHARE, 1))
        if surplus > 0:
            with transaction(connection):
                gone += connection.execute(
                    f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} ORDER BY date LIMIT ?)",  # noqa: S608
                    (min(surplus, STEP),),
                ).rowcount
    return gone
