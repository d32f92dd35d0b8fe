"""The store: one SQLite file in WAL mode. One process writes it, any number read it meanwhile."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import UserError

#: Changes with schema.sql. A store is a copy of what Kafka holds, so an old one is made anew and never migrated.
VERSION = 2
#: A reader waits this long for a checkpoint of the log, at most.
_BUSY_S = 5.0
_CACHE_KIB = 65_536
_MAPPED_BYTES = 1 << 30
#: A query that takes longer is ended: a search over everything must not keep others waiting.
LONGEST_S = 10.0
#: So many steps of SQLite's machine from one look at the clock to the next: a fraction of a millisecond.
_STEPS = 10_000

Row = dict[str, Any]


def open_store(path: Path) -> sqlite3.Connection:
    """The connection that writes; makes the store if there is none.

    Raises UserError where the file is no store of this version.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        [[version]] = connection.execute("PRAGMA user_version")
        if not version and not connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            connection.executescript(
                f"BEGIN; {Path(__file__).with_name('schema.sql').read_text()} PRAGMA user_version = {VERSION}; COMMIT"
            )
        elif version != VERSION:
            raise UserError(f"{path} was not made by this version.", f"Make it anew from Kafka: rm {path}*")
    except sqlite3.Error as error:
        raise UserError(
            f"{path} cannot be used as a store: {error}.", "Name another: tracing-aggregator dashboard --store FILE"
        ) from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written within counts, or nothing does."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class TooSlowError(UserError):
    """A query took too long."""


class Reader:
    """Queries over a store that someone else writes; each thread has a connection of its own.

    Raises UserError where there is no store.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UserError(
                f"There is no store {path}.", f"A dashboard fills it: tracing-aggregator dashboard --store {path}"
            )
        self.path = path
        self.address = f"{path.absolute().as_uri()}?mode=ro"
        self._local = threading.local()

    def rows(self, query: str, parameters: Sequence[Any] | Row = ()) -> list[Row]:
        """What the query gives, each row by the names of its columns."""
        with self._in_time() as connection:
            cursor = connection.execute(query, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def value(self, query: str, parameters: Sequence[Any] | Row = ()) -> Any:
        """The first column of the first row; None if there is none."""
        with self._in_time() as connection:
            row = connection.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _in_time(self) -> Iterator[sqlite3.Connection]:
        """A connection whose queries end after `LONGEST_S`; TooSlowError tells of it."""
        connection = self._connection()
        self._local.deadline = time.monotonic() + LONGEST_S
        try:
            yield connection
        except sqlite3.OperationalError as error:
            if time.monotonic() < self._local.deadline:
                raise
            raise TooSlowError(
                f"The search took longer than {LONGEST_S:g} s and was ended.",
                "Name a topic, a group or a shorter time.",
            ) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.address, uri=True, timeout=_BUSY_S)
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
            local = self._local
            connection.set_progress_handler(lambda: time.monotonic() > local.deadline, _STEPS)
            local.connection = connection
        return connection
