"""Every client gets into a secured broker, by SASL_SSL and by certificate, and no secret shows anywhere."""

import base64
import bz2
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import orjson
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from click.testing import CliRunner
from confluent_kafka import Consumer, Producer, TopicPartition

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import load_config
from pipeline.envelope import from_line
from runners.flink.rest import FlinkError, FlinkRest
from runners.kafka.positions import bounds
from tests.integration.aggregations import LONGEST_S, WAITS, command
from tests.integration.flink_processes import ROOT, descendants, listening, wait_until
from tests.integration.secured import PLAIN_PASSWORD, STORE_PASSWORD, Secured, login, secured_broker
from tracing_aggregator.cli.main import main
from tracing_aggregator.dashboard.follow import TopicFollower
from tracing_aggregator.dashboard.store import open_store
from tracing_aggregator.metrics.reader import StatsReader

pytestmark = [pytest.mark.integration, pytest.mark.flink]
TRACES = [from_line(line) for line in (ROOT / "tests/data/real_traces.jsonl").read_bytes().splitlines()]
IDS = {json.loads(record.value)["id"] for record in TRACES}
CANARY = b"canary"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as running:
        yield running


@pytest.fixture(params=["scram", "plain", "mtls"])
def config_file(secured: Secured, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A configuration with one way in, with topics of its own that hold genuine traces."""
    return given(request.param, secured.way(request.param), tmp_path)


def given(name: str, properties: dict[str, str], folder: Path) -> str:
    topics = ("tracing", "aggregated", "anomaly", "dead.letter", "stats")
    own = {f"{topic}.topic": f"{name}-{topic}" for topic in topics}
    own |= WAITS | {"application.id": name, "state.dir": str(folder / "state"), "metrics.port": "0"}
    file = folder / f"{name}.properties"
    lines = [f"{key}={value}\n".replace("\\", "\\\\") for key, value in (properties | own).items()]
    file.write_text("".join(lines), encoding="iso-8859-1")
    return str(file)


def done(*arguments: str) -> str:
    """What a command shows; it must succeed, and say no secret."""
    shown = CliRunner().invoke(main, list(arguments))
    assert shown.exit_code == 0, shown.output
    assert "canary" not in shown.output
    return shown.stdout


def feed(file: str) -> None:
    config = load_config(Path(file), os.environ, [])
    producer = Producer(to_librdkafka(config.producer_properties()))
    for record in TRACES:
        producer.produce(config.settings.tracing_topic, record.value, record.key)
    assert producer.flush(30) == 0


def ids_in(secured: Secured, topic: str) -> set[str]:
    consumer = Consumer(to_librdkafka(secured.mtls | {"group.id": "reader"}))
    found = set()
    try:
        for partition in consumer.list_topics(topic, timeout=15).topics[topic].partitions:
            low, high = bounds(consumer, topic, partition)
            consumer.assign([TopicPartition(topic, partition, low)])
            while low < high:
                record = consumer.poll(15)
                assert record is not None
                low = record.offset() + 1
                found.add(json.loads(record.value())["id"])
    finally:
        consumer.close()
    return found


def test_every_command_gets_in_and_all_traces_come_out_of_the_direct_runner(secured, config_file, tmp_path):
    done("topics", config_file)
    assert all(verdict["level"] == "ok" for verdict in orjson.loads(done("check", config_file, "--json")))
    feed(config_file)
    done("run", "--runner=direct", config_file)
    config = load_config(Path(config_file), {}, [])
    assert ids_in(secured, config.settings.aggregated_topic) >= IDS
    assert orjson.loads(done("explain", "test/1/0", "--json", config_file))["messages"]
    assert "canary" not in done("settings", config_file)

    connection = open_store(tmp_path / "store.sqlite")
    follower = TopicFollower(config, connection, None, 1000)
    follower.start()
    try:
        stored = "SELECT count(*) FROM traces"
        wait_until(lambda: connection.execute(stored).fetchone()[0] > 0, 60, lambda: str(follower.status()))
    finally:
        follower.stop()
        connection.close()

    taken = []
    reader = StatsReader(config, 0, lambda *record: taken.append(record))
    reader.run(Until(lambda: bool(taken)))
    assert taken


class Until:
    """Looks like an event that is set once something is true, a minute from now at the latest."""

    def __init__(self, true) -> None:
        self._true = true
        self._deadline = time.monotonic() + 60

    def is_set(self) -> bool:
        return self._true() or time.monotonic() > self._deadline

    def wait(self, seconds: float) -> bool:
        time.sleep(min(seconds, 0.5))
        return self.is_set()


def test_traced_clients_and_tail_get_in_with_a_certificate_or_a_password(secured, tmp_path):
    """Traffic goes in by certificate, `tail` looks on by SCRAM."""
    writing = given("lively", secured.mtls, tmp_path)
    done("topics", writing)
    (tmp_path / "scram").mkdir()
    reading = given("lively", secured.scram, tmp_path / "scram")
    tail = [*command("tail", "--json", "--type", "SEND", given={}), reading]
    with subprocess.Popen(tail, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            assert b"Ctrl-C ends it" in process.stderr.readline()
            done("traffic", "--seconds", "2", "--rate", "20", writing)
            done("run", "--runner=direct", writing)
            assert process.stdout is not None
            assert from_line(process.stdout.readline()).topic == "lively-aggregated"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_java_clients_get_in_and_no_secret_is_in_the_job_its_snapshots_its_logs_or_flinks_answers(secured, tmp_path):
    """Reads by SCRAM with a password in clear, writes by certificate, asks by PLAIN; the last two by reference."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "store").write_text(STORE_PASSWORD)
    (tmp_path / "stores.properties").write_text(f"key.password={STORE_PASSWORD}\n")
    by_file, by_folder = f"${{file:{tmp_path}/stores.properties:key.password}}", f"${{dir:{tmp_path}/secrets:store}}"
    stores = {"ssl.keystore.password": by_file, "ssl.key.password": by_file, "ssl.truststore.password": by_folder}
    admin = secured.plain | {"sasl.jaas.config": login("PLAIN", "bob", "${env:PLAIN_PASSWORD}")} | stores
    clients = {"consumer.": secured.scram, "producer.": secured.mtls | stores, "admin.": admin}
    properties = {prefix + name: value for prefix, each in clients.items() for name, value in each.items()}
    file = given("java", properties | {"bootstrap.servers": secured.scram["bootstrap.servers"]}, tmp_path)
    environ = {"PLAIN_PASSWORD": PLAIN_PASSWORD}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        done("topics", file)
        feed(file)
        log = tmp_path / "run.log"
        with log.open("wb") as stderr:
            run = subprocess.Popen([*command("run", given={}), file], cwd=ROOT, stderr=stderr)
    try:

        def all_out() -> bool:
            assert run.poll() is None, log.read_text()
            return "Flink: http" in log.read_text() and ids_in(secured, "java-aggregated") >= IDS

        wait_until(all_out, LONGEST_S, log.read_text)
        answers = [*beam_answers(run.pid), *flink_answers(log.read_text())]
        assert listening([run.pid, *descendants(run.pid)]) == []
        run.send_signal(signal.SIGTERM)
        assert run.wait(90) == 0, log.read_text()
    finally:
        run.kill()
        run.wait()
    assert "Savepoint: " in log.read_text()
    answers += [(str(path), path.read_bytes()) for path in (tmp_path / "state").rglob("*") if path.is_file()]
    answers.append(("what run said", log.read_bytes()))
    assert [where for where, said in answers if any(CANARY in part for part in parts(said))] == []
    # A look that finds nothing must have looked at something.
    reference = b"TRACING_AGGREGATOR_CONSUMER_SASL_JAAS_CONFIG"
    assert any(reference in part for _, said in answers for part in parts(said))
    assert any("savepoints" in where for where, _ in answers)


def parts(said: bytes) -> Iterator[bytes]:
    """It as it is, and what Beam has pickled in it: compressed by bz2, in base64."""
    yield said
    for match in re.finditer(rb"QlpoO[A-Za-z0-9+/]+=*", said):
        with suppress(OSError, ValueError):
            yield bz2.decompress(base64.b64decode(match[0]))


def beam_answers(root: int) -> Iterator[tuple[str, bytes]]:
    """What Beam's job service tells anyone who reaches its port."""
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in descendants(root)]
    [line] = [line for line in lines if b"FlinkJobServerDriver" in line]
    [port] = re.findall(rb"--job-port\0(\d+)", line)
    with grpc.insecure_channel(f"localhost:{port.decode()}") as channel:
        service = beam_job_api_pb2_grpc.JobServiceStub(channel)
        for job in service.GetJobs(beam_job_api_pb2.GetJobsRequest(), timeout=10).job_info:
            asked = beam_job_api_pb2.GetJobPipelineRequest(job_id=job.job_id)
            yield "Beam's job", job.SerializeToString()
            yield "Beam's graph", service.GetPipeline(asked, timeout=30).SerializeToString()
    yield "command line", line


def flink_answers(said: str) -> Iterator[tuple[str, bytes]]:
    """What Flink's pages are made of."""
    [address] = re.findall(r"Flink: http://(\S+),", said)
    rest = FlinkRest(address)
    [(job, _, _)] = rest.jobs()
    [manager] = [one["id"] for one in rest.get("/taskmanagers")["taskmanagers"]]
    paths = ["/config", "/overview", "/jobmanager/config", "/jobmanager/environment", "/jobmanager/logs"]
    paths += [f"/jobs/{job}{path}" for path in ("", "/config", "/plan", "/jobmanager/config", "/checkpoints/config")]
    paths += [f"/taskmanagers/{manager}", f"/jobs/{job}/exceptions", f"/jobs/{job}/accumulators"]
    paths += [f"/jobs/{job}/vertices/{vertex['id']}" for vertex in rest.get(f"/jobs/{job}")["vertices"]]
    answered = 0
    for path in paths:
        try:
            yield path, json.dumps(rest.get(path)).encode()
            answered += 1
        except FlinkError as error:  # the log is no file of this Flink
            yield path, str(error).encode()
    assert answered > len(paths) // 2
