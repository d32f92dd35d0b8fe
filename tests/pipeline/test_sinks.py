"""Sinks for one process."""

import io
import sys
from types import SimpleNamespace

import apache_beam as beam
import orjson
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.sinks import WriteEnvelopes, WriteToMemory, _WriteLine
from transforms.state.batches import Records

RECORDS = [(b'{"n":%d}' % number, b'{"id":"%d"}' % number) for number in range(2500)]


def lines(data: bytes) -> list[tuple[str, str, str]]:
    envelopes = map(orjson.loads, data.splitlines())
    return [(envelope["topic"], envelope["key"], envelope["payload"]) for envelope in envelopes]


def as_lines(records: list[tuple[bytes, bytes]]) -> list[tuple[str, str, str]]:
    return [("out", key.decode(), value.decode()) for key, value in records]


def written(writer: _WriteLine, *bundles: list[tuple[bytes, bytes]]) -> None:
    for bundle in bundles:
        writer.start_bundle()
        for start in range(0, len(bundle), 7):
            writer.process(bundle[start : start + 7])
        writer.finish_bundle()


def test_every_record_of_every_bundle_is_one_line_of_the_file(tmp_path):
    path = tmp_path / "out.jsonl"
    written(_WriteLine("out", path), RECORDS[:1200], [], RECORDS[1200:])
    assert lines(path.read_bytes()) == as_lines(RECORDS)


def test_without_a_path_the_lines_go_to_standard_output(monkeypatch):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out))
    written(_WriteLine("out", None), RECORDS[:3])
    assert lines(out.getvalue()) == as_lines(RECORDS[:3])


def test_what_a_failed_bundle_had_not_yet_written_is_not_written_by_the_next(tmp_path):
    path = tmp_path / "out.jsonl"
    writer = _WriteLine("out", path)
    writer.start_bundle()
    writer.process(RECORDS[:1])
    written(writer, RECORDS[1:2])
    assert lines(path.read_bytes()) == as_lines(RECORDS[1:2])


@pytest.mark.parametrize("sink", ["file", "memory"])
def test_a_sink_takes_the_records_of_a_pipeline(tmp_path, sink):
    path = tmp_path / "out.jsonl"
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        records = pipeline | beam.Create([Records(RECORDS[:15]), Records(RECORDS[15:20])])
        _ = records | (WriteEnvelopes("out", path) if sink == "file" else WriteToMemory(str(path)))
    if sink == "file":
        assert sorted(lines(path.read_bytes())) == sorted(as_lines(RECORDS[:20]))
    else:
        assert sorted(WriteToMemory.records.pop(str(path))) == sorted(RECORDS[:20])
