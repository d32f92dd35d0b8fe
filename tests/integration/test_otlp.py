"""`sink otlp` with a real broker: spans of genuine traces, at a receiver of ours and at the OpenTelemetry collector."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from runners.ports import free_ports, listens
from tests.integration.aggregations import in_kafka
from tests.integration.flink_processes import wait_until
from tests.integration.sink_processes import SinkProcess
from tests.tracing_aggregator.sinks.otlp.test_target import spans_of
from tests.tracing_aggregator.sinks.scripted_server import Answer, scripted
from tracing_aggregator.sinks.otlp.spans import trace_id

pytestmark = pytest.mark.integration

COLLECTOR = shutil.which(
    "otelcol", path=os.pathsep.join([str(Path("~/.cache/tracing-aggregator/bin").expanduser()), os.environ["PATH"]])
)
OPERATIONS = {"ACK": "send", "CONSUME": "poll", "COMMIT": "commit"}
#: A span in the collector's log.
SPAN = re.compile(r"^    Trace ID +: ([0-9a-f]{32})\n(?:    .*\n)*?    Name +: (.*)$", re.MULTILINE)


class Seen(NamedTuple):
    trace: str
    name: str


def expected(given: dict[str, str]) -> list[Seen]:
    """What spans the outputs should make: one of each trace whose message is known, and of the send without ACK."""
    outcome = in_kafka(given)
    [unacked] = [finding for finding in outcome.findings.values() if finding["reason"] == "unacked"]
    spans = [
        (value["correlationId"], f"{OPERATIONS[value['type']]} {value['topic']}")
        for _, value in outcome.traces.values()
        if value["type"] in OPERATIONS and "correlationId" in value
    ]
    spans.append((unacked["correlationId"], f"send {unacked['topic']}"))
    return sorted(Seen(trace_id(correlation_id).hex(), name) for correlation_id, name in spans)


def of_group(given: dict[str, str], name: str, url: str) -> dict[str, str]:
    """The same topics, read from the beginning."""
    return {**given, "application.id": name, "otlp.url": url}


def test_each_phase_of_each_message_is_a_span_and_after_a_kill_it_has_the_same_ids(aggregated, tmp_path):
    with scripted(Answer(503), Answer()) as server:
        given = of_group(aggregated, "otlp-killed", server.url)
        with SinkProcess("otlp", given, tmp_path / "killed") as sink:
            sink.wait_until(lambda: any(map(spans_of, server.asked)))
            sink.kill()
        before = {span.span_id for asked in server.asked for span in spans_of(asked)}
        with SinkProcess("otlp", given, tmp_path / "again") as sink:
            sink.wait_until(lambda: "Reading" in sink.said())
            want = len(expected(given))
            sink.wait_until(lambda: len({span.span_id for asked in server.asked for span in spans_of(asked)}) >= want)
            sink.end()
        spans = {span.span_id: span for asked in server.asked for span in spans_of(asked)}
    assert before <= spans.keys()
    assert sorted(Seen(span.trace_id.hex(), span.name) for span in spans.values()) == expected(given)
    linked = [span for span in spans.values() if span.links]
    assert linked
    assert {link.span_id for span in linked for link in span.links} <= spans.keys()
    assert {span.parent_span_id for span in spans.values()} - {b""} <= spans.keys()


@contextmanager
def collecting(folder: Path) -> Iterator[tuple[str, Path]]:
    """A real collector on loopback that writes what it gets to a log: its address, and the log."""
    assert COLLECTOR
    [port] = free_ports(1)
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"debug": {"verbosity": "detailed"}},
        "service": {
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    file, log = folder / "collector.yaml", folder / "collector.log"
    file.write_text(json.dumps(config))
    with log.open("wb") as out:
        collector = subprocess.Popen([COLLECTOR, "--config", str(file)], stdout=out, stderr=out)
    try:
        wait_until(lambda: listens(port) or collector.poll() is not None, 60, log.read_text)
        assert collector.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}", log
    finally:
        collector.terminate()
        collector.wait(60)


@pytest.mark.skipif(COLLECTOR is None, reason="there is no otelcol here: make otelcol builds it")
def test_the_opentelemetry_collector_takes_them_all(aggregated, tmp_path):
    with collecting(tmp_path) as (url, log):
        want = expected(aggregated)
        with SinkProcess("otlp", of_group(aggregated, "otlp-collected", url), tmp_path / "sink") as sink:
            sink.wait_until(lambda: len(seen(log)) >= len(want))
            said = sink.end()
    assert sorted(seen(log)) == want
    assert f"{len(want)} spans written." in said
    text = log.read_text()
    assert "-> messaging.system: Str(kafka)" in text
    assert "SchemaURL: https://opentelemetry.io/schemas/1.44.0" in text
    assert re.search(r"Links:\n\s*SpanLink #0\n\s*-> Trace ID: [0-9a-f]{32}\n\s*-> ID: [0-9a-f]{16}", text)


def seen(log: Path) -> list[Seen]:
    return [Seen(*found) for found in SPAN.findall(log.read_text())]
