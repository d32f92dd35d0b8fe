"""`python -m bench.fast.dashboard`: how long the API takes over a full store, while traces arrive."""

import http.client
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click

from bench.console import command
from pipeline.config.settings import Settings
from tests.invented_outputs import TRACES_OF_A_MESSAGE, Traffic
from tests.serving import running
from tracing_aggregator.dashboard.api import application
from tracing_aggregator.dashboard.intake.ingest import Ingest
from tracing_aggregator.dashboard.intake.retention import trim
from tracing_aggregator.dashboard.store import Reader, open_store
from transforms.input.records import KafkaRecord

_BATCH = 5000
_TIMEOUT_S = 60.0
_TICK_S = 0.25


@command
@click.option("--traces", default=1_000_000, type=click.IntRange(min=1000), help="Traces stored.")
@click.option("--rate", default=800, type=click.IntRange(min=0), help="Traces a second arriving.")
@click.option("--rounds", default=40, type=click.IntRange(min=5), help="Requests of each kind.")
@click.option("--store", type=click.Path(path_type=Path), help="Keep the store there; filled only if it is new.")
def main(traces: int, rate: int, rounds: int, store: Path | None) -> None:
    """Fill a store with invented traces, serve it, let more arrive, and measure each answer."""
    with tempfile.TemporaryDirectory(prefix="tracing-aggregator-measure-") as folder:
        path = store or Path(folder) / "store.sqlite"
        connection = open_store(path)
        ingest = Ingest(connection, Settings())
        gap_ms = 1000 * TRACES_OF_A_MESSAGE / max(rate, 1)
        start_ms = int(time.time() * 1000 - gap_ms * traces / TRACES_OF_A_MESSAGE)
        traffic = Traffic(Settings(), start_ms, gap_ms, time.time_ns())
        if not connection.execute("SELECT 1 FROM traces").fetchone():
            _fill(ingest, traffic, traces)
        size = path.stat().st_size / 1e6
        click.echo(f"{traces} traces in {size:.0f} MB; {rate}/s arriving; {rounds} requests of each kind\n", err=True)
        stopping = threading.Event()

        def arrive() -> None:
            while rate and not stopping.wait(_TICK_S):
                ingest.take(_messages(traffic, max(1, int(rate * _TICK_S / TRACES_OF_A_MESSAGE))))
                trim(connection, traces)

        arriving = threading.Thread(target=arrive, daemon=True)
        with running(application(Reader(path), None)) as port:
            arriving.start()
            try:
                _report(port, Reader(path), rounds)
            finally:
                stopping.set()
                arriving.join(_TIMEOUT_S)
        connection.close()


def _messages(traffic: Traffic, count: int) -> Iterator[KafkaRecord]:
    return itertools.chain.from_iterable(traffic.message() for _ in range(count))


def _fill(ingest: Ingest, traffic: Traffic, traces: int) -> None:
    records = _messages(traffic, traces // TRACES_OF_A_MESSAGE)
    while batch := tuple(itertools.islice(records, _BATCH)):
        ingest.take(batch)
    for start in traffic.minutes(traffic.now_ms):
        ingest.take(traffic.statistics(start))


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
    """A request of each kind about a message in the middle of the store."""
    [one] = reader.rows("SELECT * FROM traces WHERE seq = (SELECT max(seq) / 2 FROM traces)")
    return [f"/api/v1/{request}" for request in REQUESTS.format(**one, ms=one["date"] // 1_000_000).split()]


REQUESTS = """
overview?minutes=15 overview?minutes=60 overview?minutes=1440 flows?minutes=15 flows?minutes=60 flows?minutes=1440
overview?minutes=60&compare=true overview?minutes=60&topic=topic-1&groupId=group-1
overview?minutes=60&clientId=consumer-1-2
traces traces?subject={correlationId} traces?subject={topic}/{partition}/{offset} traces?clientId=consumer-1-2
traces?groupId=group-2&type=COMMIT&topic=topic-3 traces?type=SEND&clientId=consumer-1-2
traces?until={ms}&size=100 traces?before={date}.{seq}
traces?sort=duration traces?sort=duration&type=CONSUME&since={ms}&size=500
traces?type=COMMIT&minMs=40 traces?type=COMMIT&sort=duration traces?type=CONSUME&minMs=1000&groupId=group-1
topology?minutes=15 topology?minutes=1440 lag incidents incidents?topic=topic-0&state=all
find?text={correlationId:.8} find?text={topic}/{partition} find?text=nothing-like-it
words message?subject={correlationId} message?subject={topic}/{partition}/{offset}
anomalies anomalies?reason=unconsumed&topic=topic-0&groupId=group-0 anomalies?reason=lost&state=all
pathways health
"""


if __name__ == "__main__":
    main()
