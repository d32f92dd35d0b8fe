"""What there is: learned from the records that were gone through, for a subject that leads nowhere."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from tracing_aggregator.explain.gather import Value
from tracing_aggregator.explain.subject import Subject, place_of

#: Shorter than this nothing is the beginning of a correlationId.
LEAST_PREFIX = 4
#: More names than this are not listed.
MOST_NAMES = 8
_PARTITION = re.compile(r"([A-Za-z0-9._-]+?)[/-](\d+)", re.ASCII)
_KINDS = (("topic", "topic"), ("groupId", "consumer group"), ("clientId", "client"))


class Seen:
    """Names that begin with the text asked for, and topics, groups and clients with the newest message of each."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._is_prefix = subject.place is None and len(subject.text) >= LEAST_PREFIX
        self._names: dict[str, None] = {}
        #: By topic and partition the lowest and the highest offset.
        self._ends: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
        #: By kind and name the newest message, as `explain` takes it.
        self._newest: dict[str, dict[str, str]] = {field: {} for field, _ in _KINDS}
        self._is_complete = False

    def watch(self, values: Iterable[Value]) -> Iterator[Value]:
        """The values of records or findings, which are learned from as they pass, until `complete` is called."""
        if self._is_complete:
            return iter(values)
        return map(self._look, values)

    def complete(self) -> None:
        """All that there is has passed once."""
        self._is_complete = True

    @property
    def names(self) -> list[str]:
        """The correlationIds that begin with what was asked for; one more than MOST_NAMES stands for any number."""
        return list(self._names)

    def why(self) -> str:
        """Why nothing is known of the subject, in a sentence or two."""
        if not self._ends:
            return "There is not one trace yet."
        if self._subject.place is not None:
            return self._why_not_there(*self._subject.place)
        text = self._subject.text
        for field, kind in _KINDS:
            if text in self._newest[field]:
                return f"{text} is a {kind}, not a message. Its newest one:{_command(self._newest[field][text])}"
        if (match := _PARTITION.fullmatch(text)) and match[1] in self._ends:
            return self._why_no_offset(match[1], int(match[2]))
        return f"No correlationId begins like that.{self._near(text, *(field for field, _ in _KINDS))}"

    def _look(self, value: Value) -> Value:
        name = value.get("correlationId")
        if self._is_prefix and name and len(self._names) <= MOST_NAMES and name.startswith(self._subject.text):
            self._names[name] = None
        place = place_of({"topic": "", **value})
        if place is not None and place.topic:
            low, high = self._ends[place.topic].get(place.partition, (place.offset, place.offset))
            self._ends[place.topic][place.partition] = min(low, place.offset), max(high, place.offset)
        message = str(place) if place else name
        if message:
            for field, newest in self._newest.items():
                if field in value:
                    newest[value[field]] = message
        return value

    def _why_not_there(self, topic: str, partition: int, offset: int) -> str:
        if topic not in self._ends:
            return f"No trace is of a topic {topic}.{self._near(topic, 'topic')}"
        if partition not in self._ends[topic]:
            return self._why_no_offset(topic, partition)
        low, high = self._ends[topic][partition]
        if offset > high:
            return f"{topic}/{partition} ends at {high}, as far as traces tell."
        if offset < low:
            return f"What is known of {topic}/{partition} begins at {low}."
        return "Its producer and its readers are not traced, or no message lies there: a marker of a transaction."

    def _why_no_offset(self, topic: str, partition: int) -> str:
        if partition in self._ends[topic]:
            low, high = self._ends[topic][partition]
            return (
                f"{topic}/{partition} is a partition, with traces from {low} to {high}. "
                f"Its newest message:{_command(f'{topic}/{partition}/{high}')}"
            )
        known = ", ".join(map(str, sorted(self._ends[topic])))
        return f"No trace is of {topic}/{partition}. Known partitions of {topic}: {known}."

    def _near(self, text: str, *fields: str) -> str:
        known = {name: message for field in fields for name, message in self._newest[field].items()}
        close = get_close_matches(text, known, 1)
        if close:
            return f" Did you mean {close[0]}? Its newest message:{_command(known[close[0]])}"
        topics = sorted(self._newest["topic"])
        rest = f" and {len(topics) - MOST_NAMES} more" if len(topics) > MOST_NAMES else ""
        return f" Known topics: {', '.join(topics[:MOST_NAMES])}{rest}."


def _command(message: str) -> str:
    return f"\n  tracing-aggregator explain {message}"
