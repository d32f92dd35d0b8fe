"""Sources for one process."""

import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apache_beam import pvalue

from pipeline.envelope_lines import STDIN, open_lines
from pipeline.sources import EnvelopeSource, MemorySource, _ReadEnvelopes
from transforms.input.dead_letters import DeadLetter
from transforms.input.record_batch import RecordBatch
from transforms.input.records import KafkaRecord

TRACE = b'{"topic":"_tracing","offset":1,"payload":"a"}\n'
UNNAMED = b'{"offset":2,"payload":"b"}\n'
MESSAGE = b'{"topic":"orders","partition":0,"offset":3,"payload":null}\n'


def read(path: str) -> dict[str, list]:
    """All that a file gives, by output."""
    outputs: dict[str, list] = {"traces": [], "messages": [], "dead_letters": []}
    for tag, value in elements(path):
        if isinstance(value, RecordBatch):
            outputs[tag] += value.records()
        else:
            outputs[tag].append(value)
    return outputs


def elements(path: str) -> list[tuple[str, Any]]:
    """What leaves the step: output and element, in order."""
    given = _ReadEnvelopes("_tracing").process(path)
    return [(one.tag, one.value) if isinstance(one, pvalue.TaggedOutput) else ("traces", one) for one in given]


def offsets(records: list[KafkaRecord]) -> list[int]:
    return [record.offset for record in records]


def test_the_topic_of_a_line_decides_and_a_line_without_one_is_a_trace(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(TRACE + UNNAMED + MESSAGE)
    outputs = read(str(path))
    assert offsets(outputs["traces"]) == [1, 2]
    assert offsets(outputs["messages"]) == [3]
    assert outputs["dead_letters"] == []


def test_lines_leave_in_batches_of_a_thousand_and_the_rest_at_the_end(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(TRACE * 2001 + MESSAGE * 1001)
    sizes = [(tag, len(batch)) for tag, batch in elements(str(path))]
    assert sizes == [("traces", 1000), ("traces", 1000), ("messages", 1000), ("traces", 1), ("messages", 1)]


def test_gzip_is_recognised_by_its_bytes_whatever_the_file_is_called(tmp_path):
    path = tmp_path / "file.jsonl"
    path.write_bytes(gzip.compress(TRACE) + gzip.compress(UNNAMED))
    assert offsets(read(str(path))["traces"]) == [1, 2]


def test_a_line_that_is_no_envelope_is_a_dead_letter_with_its_number_and_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\n" + TRACE + b"  \nnonsense \xff\n{}\n" + UNNAMED[:-1])
    outputs = read(str(path))
    assert offsets(outputs["traces"]) == [1, 2]
    assert [(letter.record.offset, letter.record.value, letter.reason) for letter in outputs["dead_letters"]] == [
        (4, b"nonsense \xff", "not-an-envelope"), (5, b"{}", "not-an-envelope"),
    ]  # fmt: skip
    assert all(
        isinstance(letter, DeadLetter) and letter.record.topic == str(path) for letter in outputs["dead_letters"]
    )


def test_an_empty_file_gives_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert read(str(path)) == {"traces": [], "messages": [], "dead_letters": []}


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
def test_a_dash_is_standard_input_plain_or_gzip(monkeypatch, squeeze):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(squeeze(TRACE)))))
    with open_lines(STDIN) as lines:
        assert lines.readline() == TRACE


def test_both_sources_end():
    assert MemorySource([]).bounded
    assert EnvelopeSource([str(Path("x"))], "_tracing").bounded
