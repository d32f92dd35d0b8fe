"""The configuration of Kafka Connect, run through Kafka's own converters and transformations, up to the connector.

The connector itself is not on Maven Central. What it does with topic and key is documented by its maker: with
`key.ignore=false` the topic names the index, and the key is the `_id`.
"""

import json
import subprocess
from pathlib import Path

import pytest

from runners.java.find_java import find_java
from runners.java.jars import classpath
from tests.integration.java_of_ours import compiled
from tests.tracing_aggregator.explain.cases import acked, committed, consumed, sent
from tracing_aggregator.sinks.elasticsearch.documents import TRACE_INDEX

pytestmark = pytest.mark.integration

CONNECTOR = json.loads((Path(__file__).parents[2] / "deploy" / "connect" / "aggregated-trace.json").read_text())
CONFIG = CONNECTOR["config"]
#: What the Java system's configuration says, as its README and its environment for tests have it.
REFERENCE = {
    "name": "aggregatedTrace",
    "connection.url": "http://elasticsearch:9200",
    "topics": "_aggregatedTrace",
    "key.ignore": "false",
    "schema.ignore": "true",
    "transforms": "topic,valueToKey,extractKey",
    "errors.tolerance": "none",
    "errors.retry.timeout": "-1",
}


def test_a_trace_gets_to_the_connector_under_its_id_for_the_index_of_the_java_system(tmp_path):
    values = [sent(id="a"), acked(id="b"), consumed(id="c", extra={"of": ["a", 7]}), committed(id="d:7", revision=2)]
    file = tmp_path / "connector.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in CONFIG.items()))
    key = json.dumps({"topic": "orders", "partition": 0, "offset": 42})
    lines = "".join(f"_aggregatedTrace\t{key}\t{json.dumps(value)}\n" for value in values)
    jars = compiled("ConnectChain", "connect", tmp_path)
    ended = subprocess.run(
        [find_java(), "-XX:TieredStopAtLevel=1", "-cp", classpath(jars), "ConnectChain", str(file)],
        input=lines, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    out = [line.split("\t") for line in ended.stdout.splitlines()]
    assert [(topic, identity) for topic, identity, _ in out] == [(TRACE_INDEX, value["id"]) for value in values]
    assert [json.loads(value) for _, _, value in out] == values


def test_it_says_what_that_of_the_java_system_says():
    assert {name: CONFIG[name] for name in REFERENCE} == REFERENCE
    assert CONFIG["connector.class"].endswith(".ElasticsearchSinkConnector")
    assert CONNECTOR["name"] == CONFIG["name"]
    assert all(type(value) is str for value in CONFIG.values())
