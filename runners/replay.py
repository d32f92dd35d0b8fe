"""Aggregates files on the direct runner."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.envelope_lines import STDIN, first_fault
from pipeline.errors import UserError
from pipeline.graph import Sinks, build
from pipeline.sinks import WriteEnvelopes
from pipeline.sources import EnvelopeSource
from runners.direct import run_graph

_FORMAT = (
    "A line of `kcat -C -e -J -t _tracing` has one. Bare traces, one a line, get one by:\n"
    "jq -c '{payload: tojson}' FILE | tracing-aggregator replay -"
)


def replay(files: Sequence[str], output: Path | None, settings: Settings) -> Counter[str]:
    """Aggregate these files into one `<topic>.jsonl` per output topic in a folder, or to stdout; returns the counters.

    The output files are created anew, also where nothing is written to them.

    Raises:
        UserError: a file cannot be read, the folder cannot be written to, or all that was read has become dead letters
            because it is in another format.
        BrokenPipeError: nobody reads stdout any more.
        KeyboardInterrupt: Ctrl-C.
    """
    faults = [fault for file in files if (fault := _first_fault(file)) is not None]
    sinks = Sinks(*(WriteEnvelopes(topic, _created(output, topic)) for topic in settings.output_topics()))
    source = EnvelopeSource(files, settings.tracing_topic)
    with _as_raised(output):
        counts = run_graph(lambda pipeline: build(pipeline, source, sinks, settings))
    if faults and counts["dead_lettered"] == counts["received"]:
        raise UserError(f"Nothing here is a trace in the JSON envelope of `kcat -J`: {faults[0]}.", _FORMAT)
    return counts


def _first_fault(file: str) -> str | None:
    if file != STDIN and not Path(file).exists():
        raise UserError(f"There is no file {file}.", "Name JSONL files as `kcat -J` writes them, or - for stdin.")
    try:
        return first_fault(file)
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.", "Name a file that can.") from error


def _created(folder: Path | None, topic: str) -> Path | None:
    if folder is None:
        return None
    path = folder / f"{topic}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    except OSError as error:
        is_file = folder.exists() and not folder.is_dir()
        why = "it is a file, and a folder is needed" if is_file else error.strerror or error
        raise UserError(f"Cannot write to {folder}: {why}.", "Name another folder: --output DIR") from error
    return path


@contextmanager
def _as_raised(output: Path | None) -> Iterator[None]:
    """Beam logs whatever a step raises, and turns it into an error of its own: give back what was raised at first."""
    logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)
    try:
        yield
    except Exception as error:
        for one in _causes(error):
            if isinstance(one, KeyboardInterrupt | BrokenPipeError | UserError):
                raise one from None
            if isinstance(one, OSError):
                where = "stdout" if output is None else output
                raise UserError(f"{where} or the input failed meanwhile: {one.strerror or one}.") from error
        raise


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
