"""`ingest otlp` with files: what it writes replays into whole messages."""

import gzip
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from tests.test_schemas import ROOT
from tests.tracing_aggregator.ingest.requests import (
    CONSUME,
    OTHER,
    PLACE,
    SEND,
    SPAN,
    START,
    TRACE,
    any_span,
    link,
    request,
)
from tracing_aggregator.cli.main import main

LATER = {"startTimeUnixNano": str(START + 10**9), "endTimeUnixNano": str(START + 2 * 10**9), "spanId": OTHER}
OPERATION = "messaging.operation.type"


@pytest.fixture
def spans(tmp_path):
    """A message from its send to its commit, one request a line, with a line that is none."""
    delivery = any_span(CONSUME, links=[link({}, SPAN)], **LATER)
    commit = any_span(CONSUME | {OPERATION: "settle"}, **LATER | {"spanId": "00000000000000cc"})
    lines = [request(any_span(SEND | PLACE)), b"", request(delivery, any_span({})), request(commit), b"{"]
    (tmp_path / "spans.jsonl").write_bytes(b"\n".join(lines))
    return str(tmp_path / "spans.jsonl")


def test_spans_in_a_file_replay_into_a_whole_message(spans, tmp_path):
    shown = CliRunner().invoke(main, ["ingest", "otlp", "--file", spans, "--stdout"])
    assert shown.exit_code == 0, shown.output
    assert shown.stderr == "3 spans taken, 1 about something else, 0 rejected, 1 requests not understood\n"
    (tmp_path / "traces.jsonl").write_bytes(shown.stdout_bytes)
    out = tmp_path / "out"
    replayed = CliRunner().invoke(main, ["replay", str(tmp_path / "traces.jsonl"), "--output", str(out)])
    assert replayed.exit_code == 0, replayed.output
    lines = (out / "_aggregatedTrace.jsonl").read_bytes().splitlines()
    values = {value["type"]: value for value in (orjson.loads(orjson.loads(line)["payload"]) for line in lines)}
    assert {kind: value.get("durationMs") for kind, value in values.items()} == {
        "SEND": None, "ACK": 100, "CONSUME": 1000, "COMMIT": 1000,
    }  # fmt: skip
    assert {value["correlationId"] for value in values.values()} == {f"{TRACE}-{SPAN}"}
    assert {(value["topic"], value["partition"], value["offset"]) for value in values.values()} == {("orders", 2, 42)}


def test_a_file_that_breaks_off_gives_what_it_has_and_a_dead_letter(spans, tmp_path):
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(Path(spans).read_bytes(), mtime=0)[:-9])
    shown = CliRunner().invoke(main, ["ingest", "otlp", "--file", str(broken), "--stdout"])
    assert shown.exit_code == 0, shown.output
    *_, letter = (orjson.loads(line) for line in shown.stdout.splitlines())
    assert orjson.loads(letter["payload"])["reason"] == "otlp-broken-file"


def test_the_receiver_starts_without_beam():
    modules = "tracing_aggregator.ingest.serve, tracing_aggregator.cli.jobs.ingest"
    program = f"import sys, {modules}; sys.exit('apache_beam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False).returncode == 0


def test_the_same_spans_give_the_same_records(spans):
    first, second = (CliRunner().invoke(main, ["ingest", "otlp", "--file", spans, "--stdout"]) for _ in range(2))
    tracing = [[line for line in shown.stdout.splitlines() if "_tracing" in line] for shown in (first, second)]
    assert tracing[0] == tracing[1]
    assert len(tracing[0]) == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--stdout"], "--stdout is for --file"),
        (["--host", "192.0.2.2"], "so a token is needed"),
        (["--file", "/nowhere", "--stdout"], "does not exist"),
    ],
)
def test_what_cannot_be_done_is_told(options, told):
    shown = CliRunner().invoke(main, ["ingest", "otlp", *options])
    assert shown.exit_code == 2
    assert told in shown.output
