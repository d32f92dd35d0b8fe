"""Where output records come from: the folder of a replay, raw traces that are replayed first, or Kafka."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import orjson

from pipeline.config.settings import Settings
from pipeline.envelope import from_line
from pipeline.errors import UserError
from tracing_aggregator.explain.gather import MAX_RECORDS, TooManyError, Value, gather
from tracing_aggregator.explain.incidents.of_message import incidents_of
from tracing_aggregator.explain.model import Timeline
from tracing_aggregator.explain.seen import MOST_NAMES, Seen
from tracing_aggregator.explain.subject import Subject, subject_of
from tracing_aggregator.explain.timeline import timeline


class Outputs(Protocol):
    """Output records that can be read more than once. `looked_at` says in words what they are."""

    looked_at: list[str]

    def records(self) -> Iterator[Value]:
        """The values of the aggregated topic."""

    def findings(self) -> Iterator[Value]:
        """The values of the anomaly topic, those of one id in order."""


def explain(outputs: Outputs, subject: Subject, seen: Seen | None = None) -> Timeline:
    """The timeline of the subject, or of the one correlationId that begins with it, and the incidents it belongs to.

    Keeps in memory only what belongs to it. `seen` learns what else there is. A position is shown alone where its
    correlationId names too many messages; asked for itself, that is a UserError, and so is a beginning of many.
    """
    seen = seen or Seen(subject)
    shown = _known(outputs, subject, seen)
    if shown or not seen.names:
        return shown
    if len(seen.names) > 1:
        more = " and more" if len(seen.names) > MOST_NAMES else ""
        raise UserError(
            f"{len(seen.names)}{more} correlationIds begin with {subject.text}:",
            "\n".join(f"  tracing-aggregator explain {name}" for name in seen.names[:MOST_NAMES]),
        )
    return _known(outputs, subject_of(seen.names[0]), seen)


def _known(outputs: Outputs, subject: Subject, seen: Seen) -> Timeline:
    def records() -> Iterator[Value]:
        yield from seen.watch(outputs.records())
        seen.complete()

    try:
        wanted, taken = gather(records, subject)
    except TooManyError:
        if subject.place is None or not subject.is_followed:
            raise UserError(
                f"{subject.text} has more than {MAX_RECORDS} records: it does not name one message.",
                "Ask for a position: tracing-aggregator explain TOPIC/PARTITION/OFFSET",
            ) from None
        return _known(outputs, subject._replace(is_followed=False), seen)
    shown = timeline(taken, (one for one in outputs.findings() if wanted.concerns(one)), subject)
    return shown._replace(incidents=incidents_of(outputs.findings, shown.findings))


class Folder:
    """The output folder of `replay --output`. `UserError` where the aggregated topic's file is not there."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._records = folder / f"{settings.aggregated_topic}.jsonl"
        self._findings = folder / f"{settings.anomaly_topic}.jsonl"
        if not self._records.is_file():
            raise UserError(
                f"There is no file {self._records}.",
                f"Make it: tracing-aggregator replay FILE… --output {folder}",
            )
        self.looked_at = [str(path) for path in (self._records, self._findings) if path.is_file()]

    def records(self) -> Iterator[Value]:
        """The values of the aggregated topic."""
        return _values(self._records)

    def findings(self) -> Iterator[Value]:
        """The values of the anomaly topic, in the order in which they were written."""
        return _values(self._findings) if self._findings.is_file() else iter(())


@contextmanager
def replayed(files: Sequence[str], settings: Settings) -> Iterator[Folder]:
    """What `replay` makes of these raw traces, in a folder that lasts as long as the context."""
    from runners.replay import replay

    with tempfile.TemporaryDirectory(prefix="tracing-aggregator-explain-") as made:
        replay(files, Path(made), settings)
        folder = Folder(Path(made), settings)
        folder.looked_at = [f"{file}, replayed" for file in files]
        yield folder


def _values(path: Path) -> Iterator[Value]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                payload = from_line(line).value
                value = None if payload is None else orjson.loads(payload)
            except ValueError as error:
                raise UserError(
                    f"{path}, line {number}, is no record of an output topic: {error}.",
                    "Name the folder that `tracing-aggregator replay --output` wrote; raw traces go to --traces FILE.",
                ) from error
            if isinstance(value, dict) and "id" in value:
                yield value
