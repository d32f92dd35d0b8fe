import gzip
import json

import pytest

from pipeline.config.settings import Settings
from pipeline.envelope_lines import first_fault
from pipeline.errors import UserError
from runners.replay import replay
from tests.tracing_aggregator.cli.test_explain import TRACES

BARE = b'{"id":"1","type":"CONSUME","topic":"orders","partition":0,"offset":4,"date":"2026-01-31T12:00:00Z"}\n'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (BARE, "no payload, key or headers"),
        (gzip.compress(BARE), "no payload, key or headers"),
        (b"time,type,topic\n1,SEND,orders\n", "line 1 column 1"),
        (b"[1]\n", "a JSON list where an object is expected"),
    ],
)
def test_input_that_is_not_in_the_envelope_is_said_with_its_head_and_stays_as_dead_letters(tmp_path, content, why):
    file = tmp_path / "traces"
    file.write_bytes(content)
    with pytest.raises(UserError, match="Nothing here is a trace in the JSON envelope of `kcat -J`") as refused:
        replay([str(file)], tmp_path / "out", Settings())
    assert f"{file} begins with " in refused.value.message
    assert why in refused.value.message
    assert "jq -c '{payload: tojson}'" in refused.value.todo


def test_one_line_that_is_none_is_a_dead_letter_among_the_others(tmp_path):
    file = tmp_path / "traces"
    file.write_bytes(b"none\n" + TRACES.read_bytes())
    counts = replay([str(file)], tmp_path / "out", Settings())
    assert counts["dead_lettered"] == 1
    [letter] = (tmp_path / "out" / "_traceDeadLetter.jsonl").read_text().splitlines()
    assert json.loads(json.loads(letter)["payload"])["reason"] == "not-an-envelope"


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b'{"payload":"{}"}\n', b'{"topic":"orders","key":null,"headers":[]}\n']
)
def test_an_envelope_and_nothing_at_all_are_no_fault(tmp_path, content):
    file = tmp_path / "traces"
    file.write_bytes(content)
    assert first_fault(str(file)) is None


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        replay([str(tmp_path)], tmp_path / "out", Settings())
