import shutil
import signal
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from runners.kafka.broker import Broker
from tests.integration.flink_processes import PairsRun, is_alive, outcomes, produce, wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prism") is None, reason="there is no prism program on the PATH"),
]


def test_pairs_are_joined_on_prism_and_its_end_leaves_no_process(tmp_path: Path):
    with Broker(tmp_path / "broker") as broker:
        servers = broker.bootstrap_servers
        topics = [NewTopic("in", 2, 1), NewTopic("out", 1, 1)]
        admin = AdminClient({"bootstrap.servers": servers})
        for created in admin.create_topics(topics).values():
            created.result(30)
        settings = {
            "bootstrap.servers": servers,
            "runner": "prism",
            "application.id": "pairs",
            "state.dir": str(tmp_path),
            "tracing.topic": "in",
            "aggregated.topic": "out",
        }
        with PairsRun(tmp_path / "run.log", settings) as run:
            run.wait_for("Running on prism")
            produce(servers, "in", ["a", "b", "c"], b"left")
            produce(servers, "in", ["a", "b", "c"], b"right")
            wait_until(lambda: set(outcomes(servers, "out")) == {"a", "b", "c"}, 90, run.said)
            below = run.below()
            assert run.end(signal.SIGINT) == 0, run.said()
        wait_until(lambda: not any(map(is_alive, below)), 30)
