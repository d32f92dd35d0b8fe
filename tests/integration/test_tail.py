"""`tail` on a real broker: what is written after it began, until Ctrl-C, which ends it in order."""

import json
import signal
import subprocess

import pytest

from pipeline.envelope import from_line
from runners.kafka.broker import Broker
from tests.integration.aggregations import command, settings, tracing_aggregator
from tests.integration.flink_processes import ROOT, produce
from tests.tracing_aggregator.explain.cases import acked, consumed

pytestmark = pytest.mark.integration


def test_what_comes_is_shown_and_ctrl_c_ends_it_in_order(shared_broker: Broker, tmp_path) -> None:
    servers = shared_broker.bootstrap_servers
    given = settings(servers, "tailed", tmp_path, retention_ms="86400000")
    tracing_aggregator("topics", given=given)
    topic = given["aggregated.topic"]
    produce(servers, topic, ["old"], json.dumps(consumed()).encode())
    with subprocess.Popen(
        command("tail", "--json", "--type", "CONSUME", given=given),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stdout is not None
            assert b"Ctrl-C ends it" in process.stderr.readline()
            for value in (acked(), consumed(4000)):
                produce(servers, topic, ["new"], json.dumps(value).encode())
            record = from_line(process.stdout.readline())
            assert (record.topic, record.key, json.loads(record.value or b"")) == (topic, b"new", consumed(4000))
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            assert process.stderr.read() == b""
        finally:
            process.kill()
