"""Aggregates files on the direct runner."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.envelope_lines import STDIN
from pipeline.errors import UserError
from pipeline.graph import Sinks, build
from pipeline.settings import Settings
from pipeline.sinks import WriteEnvelopes
from pipeline.sources import EnvelopeSource
from runners.direct import run_graph


def replay(files: Sequence[str], output: Path | None, settings: Settings) -> Counter[str]:
    """Aggregate these files into one `<topic>.jsonl` per output topic in a folder, or to stdout; returns the counters.

    The output files are created anew, also where nothing is written to them. Raises UserError for a file that is
    not there.
    """
    for file in files:
        if file != STDIN and not Path(file).is_file():
            raise UserError(f"There is no file {file}.", "Name JSONL files as `kcat -J` writes them, or - for stdin.")
    sinks = Sinks(*(WriteEnvelopes(topic, _created(output, topic)) for topic in settings.output_topics()))
    source = EnvelopeSource(files, settings.tracing_topic)
    return run_graph(lambda pipeline: build(pipeline, source, sinks, settings))


def _created(folder: Path | None, topic: str) -> Path | None:
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{topic}.jsonl"
    path.write_bytes(b"")
    return path
