"""Sinks for one process: files, stdout, memory. Kafka is in io/write_to_kafka.py."""

import sys
from collections import defaultdict
from pathlib import Path
from typing import BinaryIO, ClassVar

import apache_beam as beam

from pipeline.envelope import to_line
from transforms.input.records import KeyValue
from transforms.state.batches import Records


class WriteEnvelopes(beam.PTransform):
    """Appends records to a file, or to stdout where `path` is None, in the envelope of `kcat -J`."""

    def __init__(self, topic: str, path: Path | None) -> None:
        super().__init__()
        self._topic = topic
        self._path = path

    def expand(self, records: beam.PCollection[Records]) -> beam.PCollection[None]:
        """Nothing comes out."""
        return records | "WriteLine" >> beam.ParDo(_WriteLine(self._topic, self._path))


class _WriteLine(beam.DoFn):
    def __init__(self, topic: str, path: Path | None) -> None:
        self._topic = topic
        self._path = path
        self._lines: list[bytes] = []

    def start_bundle(self) -> None:
        self._lines = []

    def process(self, records: Records) -> None:
        self._lines += [to_line(self._topic, *record) for record in records]
        if len(self._lines) >= 1000:  # noqa: PLR2004  lines kept before they are written
            self._flush()

    def finish_bundle(self) -> None:
        self._flush()

    def _flush(self) -> None:
        if self._path is None:
            self._write(sys.stdout.buffer)
        else:
            with self._path.open("ab") as file:
                self._write(file)
        self._lines = []

    def _write(self, file: BinaryIO) -> None:
        file.write(b"".join(self._lines))
        file.flush()


class WriteToMemory(beam.PTransform):
    """Keeps records in a list of this process, for tests: `WriteToMemory.records[name]`."""

    records: ClassVar[dict[str, list[KeyValue]]] = defaultdict(list)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def expand(self, records: beam.PCollection[Records]) -> beam.PCollection[None]:
        """Nothing comes out."""
        return records | "Keep" >> beam.Map(_keep, self._name)


def _keep(records: Records, name: str) -> None:
    WriteToMemory.records[name] += records
