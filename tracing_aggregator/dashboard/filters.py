"""Filters by topic, group and client, which all pages share."""

from typing import NamedTuple

from tracing_aggregator.dashboard.store import Reader

#: What traces can be filtered by, beside message and time.
WORDS = ("topic", "groupId", "clientId", "type")
_MAX_WORDS = 1000


class Wanted(NamedTuple):
    """What is looked for; None may be anything."""

    topic: str | None = None
    group: str | None = None
    client: str | None = None

    def given(self) -> dict[str, str]:
        """The names, as records have them, and values that are set."""
        names = {"topic": self.topic, "groupId": self.group, "clientId": self.client}
        return {name: word for name, word in names.items() if word}


def where(words: dict[str, str], table: str = "") -> str:
    """A condition for each of the words, as `AND …`, with parameters named like them."""
    return "".join(f" AND {table}{name} = :{name}" for name in words)


def words(reader: Reader) -> dict[str, list[str]]:
    """The words to filter by."""
    query = "SELECT DISTINCT {0} AS word FROM kinds WHERE {0} <> '' AND type <> '' AND stored > 0 ORDER BY 1 LIMIT ?"
    return {name: [row["word"] for row in reader.rows(query.format(name), (_MAX_WORDS,))] for name in WORDS}
