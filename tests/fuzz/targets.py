"""What is fuzzed: each target takes any bytes, and raises if something came of them that must not.

Tests feed them what Hypothesis draws, `python -m tests.fuzz` what atheris finds by coverage.
"""

import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import orjson
from apache_beam import pvalue

from pipeline.config.load import load_config
from pipeline.envelope import from_line
from pipeline.errors import UserError
from pipeline.sources import _ReadEnvelopes
from tests.histories import START, any_trace, value_of
from tests.pure_run import PureRun
from transforms.input.batch_parser import parse_traces
from transforms.input.dates import date_of_nanos, nanos_of
from transforms.input.dead_letters import DeadLetter, to_key_values
from transforms.input.link_headers import header_link
from transforms.input.record_batch import RecordBatch
from transforms.input.records import HeaderLink, KafkaRecord
from transforms.input.strict_parser import Refused, parse_trace
from transforms.input.traces import Trace

#: The program of the last scratch folder is this one, so it is in memory where that is to be had.
_FOLDER = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108
_HOUR = 3_600_000
_GOOD = [orjson.dumps(value_of(any_trace(id=f"good-{number}"))) for number in range(6)]


def trace(data: bytes) -> None:
    """A record of the tracing topic: a trace that the whole join can take, or a dead letter with its bytes."""
    _parse(KafkaRecord("_tracing", 0, 7, START, None, data))


def batch(data: bytes) -> None:
    """A batch, good traces among it, whose values end at each 0x1E: each is what it is alone."""
    values: list[bytes | None] = [*_GOOD, *data.split(b"\x1e"), *_GOOD]
    timestamps = [START] * len(values)
    assert parse_traces(values, timestamps, _HOUR) == [parse_trace(value, START, _HOUR) for value in values]


def envelope(data: bytes) -> None:
    """A line of a file: a record, or a ValueError; then as a trace, and as a record of a business topic."""
    with suppress(ValueError):
        record = from_line(data)
        _parse(record)
        link = header_link(record)
        assert link.timestamp >= 0


def file(data: bytes) -> None:
    """A file given to `replay`: every line is a record or a dead letter, and all of them can be joined."""
    with tempfile.NamedTemporaryFile(dir=_FOLDER) as scratch:
        scratch.write(data)
        scratch.flush()
        items: list[Trace | HeaderLink] = []
        for output in _ReadEnvelopes("_tracing").process(scratch.name):
            value = output.value if isinstance(output, pvalue.TaggedOutput) else output
            if isinstance(value, DeadLetter):
                _written(value)
            elif isinstance(output, pvalue.TaggedOutput):
                items += map(header_link, value.records())
            else:
                items += _traces(value)
    _join(items)


def date(data: bytes) -> None:
    """A date: a ValueError, or an instant that comes back as the same text."""
    text = data.decode("utf-8", "replace")
    with suppress(ValueError):
        nanos = nanos_of(text)
        digits = len(text.partition(".")[2].rstrip("Z"))
        assert nanos == nanos_of(date_of_nanos(nanos, digits)), text


def configuration(data: bytes) -> None:
    """A properties file, variables and options made of the same bytes: a configuration, or all its mistakes."""
    with tempfile.NamedTemporaryFile(dir=_FOLDER, suffix=".properties") as scratch:
        scratch.write(data)
        scratch.flush()
        lines = data.decode("utf-8", "surrogateescape").splitlines()
        named = [line.partition("=") for line in lines]
        environ = {f"KAFKATRACE_{name.upper()}": value for name, _, value in named}
        for given in ((Path(scratch.name), {}, ()), (None, environ, ()), (None, {}, lines)):
            with suppress(UserError):
                config = load_config(*given)
                assert repr(config)
                assert config.consumer_properties()


def request(data: bytes) -> None:
    """The path and query of a request to the dashboard: no answer is a server's error."""
    path = "/api/v1/" + quote(data, safe="/?&=%.~-_")
    if not path.startswith("/api/live"):
        answer = _client().get(path, headers={"host": "localhost"})
        assert answer.status_code < 500, (path, answer.text)


def output(data: bytes) -> None:
    """A record of an output topic, as the dashboard stores it: it is taken, or counted as unreadable."""

    ingest, _ = _store()
    ingest.take([KafkaRecord(topic, 0, 1, START, None, data) for topic in ingest.topics])


def scrape(data: bytes) -> None:
    """What comes in at the metrics server: an answer or a closed connection, and the next request is served."""
    server, broken = _metrics_server()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):  # it need not read all of what it refuses
            while connection.recv(65_536):
                pass
    with urlopen(f"{server.address}/metrics", timeout=5) as answer:  # noqa: S310  loopback
        assert answer.read()
    assert not broken, broken


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (trace, batch, envelope, file, date, configuration, request, output, scrape)
}


def _parse(record: KafkaRecord) -> None:
    parsed = parse_trace(record.value, record.timestamp, _HOUR)
    if isinstance(parsed, Refused):
        _written(DeadLetter(record, *parsed))
    else:
        _join([parsed])


def _traces(batch: RecordBatch) -> Iterator[Trace]:
    parsed = parse_traces(batch.values, batch.timestamps, _HOUR)
    return (one for one in parsed if not isinstance(one, Refused))


def _written(letter: DeadLetter) -> None:
    """A dead letter says why, and can be written."""
    assert letter.reason
    assert letter.detail
    for key, value in to_key_values(letter):
        orjson.loads(key)
        orjson.loads(value)


def _join(items: list[Trace | HeaderLink]) -> None:
    run = PureRun(block_size=1024, restores=1.0)
    run.feed(items)
    run.finish()
    assert len({value["id"] for _, value in run.records}) >= len({i.id for i in items if isinstance(i, Trace)})


@cache
def _store() -> tuple[Any, Any]:
    from pipeline.config.settings import Settings
    from tracing_aggregator.dashboard.intake.ingest import Ingest
    from tracing_aggregator.dashboard.store import Reader, open_store

    folder = tempfile.mkdtemp(dir=_FOLDER, prefix=f"fuzz-{os.getpid()}-")
    path = Path(folder) / "store.sqlite"
    return Ingest(open_store(path), Settings()), Reader(path)


@cache
def _client() -> Any:
    from fastapi.testclient import TestClient

    from tracing_aggregator.dashboard.api import application

    return TestClient(application(_store()[1], None), base_url="http://localhost", raise_server_exceptions=False)


@cache
def _metrics_server() -> tuple[Any, list[Any]]:
    from prometheus_client.registry import REGISTRY

    from tracing_aggregator.metrics.health import Health
    from tracing_aggregator.metrics.metrics_server import MetricsServer

    broken = _Errors()
    logging.getLogger("uvicorn.error").addHandler(broken)
    return MetricsServer("127.0.0.1", 0, REGISTRY, Health(10_000)), broken.records


class _Errors(logging.Handler):
    """What a server says of an exception that nobody caught."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
