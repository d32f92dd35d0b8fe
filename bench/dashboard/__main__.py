"""`python -m bench.dashboard`: how long the API takes over a full store, while traces arrive."""

import http.client
import itertools
import sqlite3
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from bench.dashboard.background import running
from bench.dashboard.synthetic import TRACES_OF_A_MESSAGE, Traffic
from pipeline.config.settings import Settings
from tracing_aggregator.dashboard.api import application
from tracing_aggregator.dashboard.intake.ingest import Ingest
from tracing_aggregator.dashboard.intake.retention import trim
from tracing_aggregator.dashboard.store import Reader, open_store

_BATCH = 5000
_TIMEOUT_S = 60.0
_TICK_S = 0.25


@click.command()
@click.option("--traces", default=1_000_000, show_default=True, type=click.IntRange(min=1000), help="Traces stored.")
@click.option("--rate", default=800, show_default=True, type=click.IntRange(min=0), help="Traces a second arriving.")
@click.option("--rounds", default=40, show_default=True, type=click.IntRange(min=5), help="Requests of each kind.")
@click.option("--store", type=click.Path(path_type=Path), help="Keep the store there; filled only if it is new.")
def main(traces: int, rate: int, rounds: int, store: Path | None) -> None:
    """Fill a store with invented traces, serve it, let more arrive, and measure each answer."""
    with tempfile.TemporaryDirectory(prefix="tracing-aggregator-measure-") as folder:
        path = store or Path(folder) / "store.sqlite"
        settings = Settings()
        connection = open_store(path)
        ingest = Ingest(connection, settings)
        length_ms = traces / max(rate, 1) * 1000
        traffic = Traffic(
            settings, int(time.time() * 1000 - length_ms), 1000 * TRACES_OF_A_MESSAGE / max(rate, 1), time.time_ns()
        )
        if not connection.execute("SELECT 1 FROM traces").fetchone():
            _fill(ingest, traffic, traces)
        size = path.stat().st_size / 1e6
        click.echo(f"{traces} traces in {size:.0f} MB; {rate}/s arriving; {rounds} requests of each kind\n", err=True)
        _measure(Reader(path), connection, ingest, traffic, rate, traces, rounds)


def _fill(ingest: Ingest, traffic: Traffic, traces: int) -> None:
    began = time.monotonic()
    messages = traces // TRACES_OF_A_MESSAGE
    records = itertools.chain.from_iterable(traffic.message() for _ in range(messages))
    while batch := tuple(itertools.islice(records, _BATCH)):
        ingest.take(batch)
    for start in traffic.minutes(traffic.now_ms):
        ingest.take(traffic.statistics(start))
    click.echo(f"Filled at {traces / (time.monotonic() - began):.0f} traces/s.", err=True)


def _measure(
    reader: Reader, connection: sqlite3.Connection, ingest: Ingest, traffic: Traffic, rate: int, keep: int, rounds: int
) -> None:
    stopping = threading.Event()

    def arrive() -> None:
        while rate and not stopping.wait(_TICK_S):
            messages = max(1, int(rate * _TICK_S / TRACES_OF_A_MESSAGE))
            ingest.take(itertools.chain.from_iterable(traffic.message() for _ in range(messages)))
            trim(connection, keep)

    arriving = threading.Thread(target=arrive, daemon=True)
    with running(application(reader, None)) as port:
        arriving.start()
        try:
            _report(port, reader, rounds)
        finally:
            stopping.set()
            arriving.join(_TIMEOUT_S)
    connection.close()


def _report(port: int, reader: Reader, rounds: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    click.echo(f"{'p50 ms':>8} {'p95 ms':>8} {'max ms':>8}  request")
    for path in _requests(reader):
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            client.request("GET", path)
            answer = client.getresponse()
            answer.read()
            times.append(1000 * (time.perf_counter() - began))
            if answer.status != http.HTTPStatus.OK:
                raise SystemExit(f"{path} answers {answer.status}")
        p95 = statistics.quantiles(times, n=20)[-1]
        click.echo(f"{statistics.median(times):8.1f} {p95:8.1f} {max(times):8.1f}  {path}")


def _requests(reader: Reader) -> list[str]:
    [one] = reader.rows(
        "SELECT topic, partition, offset, correlationId FROM traces WHERE seq = (SELECT max(seq) / 2 FROM traces)"
    )
    [middle] = reader.rows("SELECT seq, date FROM traces WHERE seq = (SELECT max(seq) / 2 FROM traces)")
    place = f"{one['topic']}/{one['partition']}/{one['offset']}"
    spans: list[tuple[str, dict[str, Any]]] = [
        (page, {"minutes": minutes}) for page in ("overview", "flows") for minutes in (15, 60, 1440)
    ]
    asked: list[tuple[str, dict[str, Any]]] = [
        *spans,
        ("traces", {}),
        ("traces", {"subject": one["correlationId"]}),
        ("traces", {"subject": place}),
        ("traces", {"clientId": "consumer-1-2"}),
        ("traces", {"groupId": "group-2", "type": "COMMIT", "topic": "topic-3"}),
        ("traces", {"type": "SEND", "clientId": "consumer-1-2"}),
        ("traces", {"until": middle["date"] // 1_000_000, "size": 100}),
        ("traces", {"before": f"{middle['date']}.{middle['seq']}"}),
        ("traces", {"sort": "duration"}),
        ("traces", {"sort": "duration", "type": "CONSUME", "since": middle["date"] // 1_000_000, "size": 500}),
        ("traces", {"type": "COMMIT", "minMs": 40}),
        ("traces", {"type": "COMMIT", "sort": "duration"}),
        ("traces", {"type": "CONSUME", "minMs": 1000, "groupId": "group-1"}),
        ("overview", {"minutes": 60, "compare": "true"}),
        ("overview", {"minutes": 60, "topic": "topic-1", "groupId": "group-1"}),
        ("overview", {"minutes": 60, "clientId": "consumer-1-2"}),
        ("topology", {"minutes": 15}),
        ("topology", {"minutes": 1440}),
        ("lag", {}),
        ("incidents", {}),
        ("incidents", {"topic": "topic-0", "state": "all"}),
        ("find", {"text": one["correlationId"][:8]}),
        ("find", {"text": f"{one['topic']}/{one['partition']}"}),
        ("find", {"text": "nothing-like-it"}),
        ("words", {}),
        ("message", {"subject": one["correlationId"]}),
        ("message", {"subject": place}),
        ("anomalies", {}),
        ("anomalies", {"reason": "unconsumed", "topic": "topic-0", "groupId": "group-0"}),
        ("anomalies", {"reason": "lost", "state": "all"}),
        ("pathways", {}),
        ("health", {}),
    ]
    return [f"/api/v1/{name}?{urlencode(words)}" if words else f"/api/v1/{name}" for name, words in asked]


if __name__ == "__main__":
    main()
