"""Sla: how soon the groups of a topic should read a message after it was produced."""

from typing import NamedTuple

ANY = "*"


class Sla(NamedTuple):
    """Rules `(topic, group, ms)`; `*` stands for any. The first that fits holds."""

    rules: tuple[tuple[str, str, int], ...] = ()

    def limit(self, topic: str, group: str) -> int | None:
        """The longest latency (ms) from produce to consume that is no breach; None if none was agreed."""
        for of_topic, of_group, limit in self.rules:
            if of_topic in {ANY, topic} and of_group in {ANY, group}:
                return limit
        return None
