"""`python -m bench.attack.target FOLDER`: a dashboard and an OTLP receiver as they are served, on ports of loopback.

Prints both ports, and serves until stdin ends. The token is `open-sesame`.
"""

import sys
from pathlib import Path

from bench.dashboard.synthetic import Traffic
from pipeline.config.settings import Settings
from tracing_aggregator.dashboard.api import application
from tracing_aggregator.dashboard.intake.ingest import Ingest
from tracing_aggregator.dashboard.store import Reader, open_store
from tracing_aggregator.ingest.raw_traces import Consumption
from tracing_aggregator.ingest.receiver import Receiver
from tracing_aggregator.ingest.records import Topics
from tracing_aggregator.web.connections import Connections, Limits
from tracing_aggregator.web.listening import bound
from tracing_aggregator.web.server import in_thread, server
from tracing_aggregator.web.tokens import Tokens

TOKEN = "open-sesame"  # noqa: S105 - for this alone
STREAMS = 100
MESSAGES = 2_000


def main(folder: Path) -> None:
    """Serve."""
    path = folder / "store"
    connection = open_store(path)
    settings = Settings()
    traffic, ingest = Traffic(settings, 1_700_000_000_000, 10.0), Ingest(connection, settings)
    for _ in range(MESSAGES):
        ingest.take(traffic.message())
    tokens = Tokens(TOKEN)
    connections = Connections(Limits())
    pages = server(application(Reader(path), tokens, streams=STREAMS, connections=connections), connections)
    receiver = Receiver(Topics("_tracing", "_dead"), Consumption.PROCESS, lambda _: None)
    spans = server(receiver.application(tokens), receiver.connections)
    with bound("127.0.0.1", 0) as one, bound("127.0.0.1", 0) as other, in_thread(pages, one), in_thread(spans, other):
        sys.stdout.write(f"{one.getsockname()[1]} {other.getsockname()[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
