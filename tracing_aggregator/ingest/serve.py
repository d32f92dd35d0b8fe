"""Runs the OTLP receiver until Ctrl-C, or takes files."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

from pipeline.envelope_lines import Unreadable, read_lines
from tracing_aggregator.ingest import records
from tracing_aggregator.ingest.raw_traces import Consumption, Rejected
from tracing_aggregator.ingest.receiver import Receiver
from tracing_aggregator.ingest.records import OUTCOMES, Record, Topics
from tracing_aggregator.ingest.spans import JSON
from tracing_aggregator.web.listening import listen, url
from tracing_aggregator.web.server import Tls, server
from tracing_aggregator.web.tokens import Tokens

COMMAND = "tracing-aggregator ingest otlp"
_GRACE_S = 25

Deliver = Callable[[Sequence[Record]], None]


class Where(NamedTuple):
    """Where to listen and how, and the tokens that are asked for; None asks for none."""

    host: str
    port: int
    tokens: Tokens | None
    tls: Tls | None = None
    access_log: bool = False


def serve(
    where: Where, topics: Topics, consumption: Consumption, deliver: Deliver, tell: Callable[[str], None]
) -> None:
    """Receive until Ctrl-C or SIGTERM. Raises UserError where it cannot listen."""
    with closing(listen(where.host, where.port, where.tokens, COMMAND)) as listening:
        receiver = Receiver(topics, consumption, deliver)
        made = server(
            receiver.application(where.tokens), receiver.connections, where.tls, _GRACE_S, access=where.access_log
        )
        address = url(where.host, listening, tls=where.tls is not None)
        tell(f"Receiving OTLP/HTTP at {address}v1/traces into {topics.tracing}; Ctrl-C ends it.")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):  # uvicorn ends in good order, and then passes Ctrl-C on
            made.run(sockets=[listening])
        tell(summary(receiver.outcomes))


def take_files(paths: Iterable[str], topics: Topics, consumption: Consumption, deliver: Deliver) -> Counter[str]:
    """Take files of OTLP JSON, a request each line, as the collector's file exporter writes them; `-` is stdin."""
    outcomes: Counter[str] = Counter()
    for path in paths:
        for _, line in read_lines(path):
            now_ms = time.time_ns() // 1_000_000
            if isinstance(line, Unreadable):
                result = records.refused(line.head, Rejected(line.reason, f"{path}: {line.detail}"), topics, now_ms)
            else:
                result = records.taken(line.rstrip(b"\n"), JSON, topics, consumption, now_ms)
            deliver(result.records)
            outcomes += result.outcomes
    return outcomes


def summary(outcomes: Counter[str]) -> str:
    """What became of the spans, for a person."""
    taken, ignored, rejected, undecodable = (outcomes[name] for name in OUTCOMES)
    told = f"{taken} spans taken, {ignored} about something else, {rejected} rejected"
    return told + (f", {undecodable} requests not understood" if undecodable else "")
