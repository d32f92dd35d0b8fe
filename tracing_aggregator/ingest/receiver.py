"""An OTLP/HTTP receiver of traces: `POST /v1/traces`, protobuf or JSON, plain or gzip.

It answers once the records are written. A client that hears of a failure sends again: the same spans give the same ids.
"""

import asyncio
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client import Counter as Metric
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tracing_aggregator.ingest.deliver import NotDeliveredError
from tracing_aggregator.ingest.raw_traces import Consumption
from tracing_aggregator.ingest.records import OUTCOMES, Record, Taken, Topics, taken
from tracing_aggregator.ingest.spans import JSON, PROTOBUF, TooManySpansError
from tracing_aggregator.web.busy import Busy
from tracing_aggregator.web.connections import Connections, Limits
from tracing_aggregator.web.guard import OPEN_PATHS, Guard
from tracing_aggregator.web.tokens import Tokens

MAX_BODY_BYTES = 4 << 20
MAX_PLAIN_BYTES = 16 << 20
#: More spans are refused whole: a collector sends 8,192 at a time, unless it is told another number.
MAX_SPANS = 10_000
BODY_WITHIN_S = 30
#: Requests at a time; more are told to come again.
_REQUESTS = 32
#: Requests that are unpacked and decoded at a time: each takes a core and many times the memory of its body.
_DECODED = 2
_GZIP_WINDOW = 31


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Receiver:
    """Takes requests. `deliver` writes records, and raises `NotDeliveredError`; `outcomes` counts spans."""

    def __init__(self, topics: Topics, consumption: Consumption, deliver: Callable[[Sequence[Record]], None]) -> None:
        self._topics = topics
        self._consumption = consumption
        self._deliver = deliver
        self.outcomes: Counter[str] = Counter()
        self._registry = CollectorRegistry()
        self._spans = Metric(
            "kafka_trace_ingested_spans_total",
            "Spans that were received, by what became of them.",
            ["outcome"],
            registry=self._registry,
        )
        for outcome in OUTCOMES:
            self._spans.labels(outcome)
        self._decoding = threading.Semaphore(_DECODED)
        self.connections = Connections(Limits())
        for name, text, value in (
            ("connections", "Connections that are open now.", lambda: len(self.connections)),
            ("connections_refused", "Connections refused: there were too many.", lambda: self.connections.refused),
        ):
            Gauge(f"kafka_trace_ingest_{name}", text, registry=self._registry).set_function(value)

    def application(self, tokens: Tokens | None) -> Starlette:
        """The server; with tokens, only who knows one is heard."""
        routes = [
            Route("/v1/traces", self._traces, methods=["POST"]),
            Route("/metrics", self._metrics),
            Route("/healthz", self._healthz),
        ]
        middleware = [Middleware(Guard, tokens=tokens), Middleware(Busy, limit=_REQUESTS, free=OPEN_PATHS)]
        return Starlette(routes=routes, middleware=middleware)

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    def _taken(self, body: bytes, compression: str, encoding: str) -> "Taken | _RefusedError":
        """Not raised: a traceback would keep the unpacked body as long as the thread waits for other work."""
        with self._decoding:
            try:
                plain = _unpacked(body) if compression == "gzip" else body
                return taken(plain, encoding, self._topics, self._consumption, time.time_ns() // 1_000_000, MAX_SPANS)
            except TooManySpansError as error:
                return _RefusedError(413, f"{error} Send fewer at a time.")
            except _RefusedError as refused:
                return _RefusedError(refused.status, refused.why)

    async def _traces(self, request: Request) -> Response:
        try:
            encoding = _encoding(request)
            compression = _compression(request)
            # Not on the event loop: a small body may take seconds.
            result = await run_in_threadpool(self._taken, await _body(request), compression, encoding)
            if isinstance(result, _RefusedError):
                raise result
        except _RefusedError as refused:
            return PlainTextResponse(refused.why + "\n", refused.status)
        try:
            await run_in_threadpool(self._deliver, result.records)
        except NotDeliveredError as error:
            return PlainTextResponse(f"Kafka did not take the records: {error}\n", 503, {"Retry-After": "5"})
        self.outcomes += result.outcomes
        for outcome, count in result.outcomes.items():
            self._spans.labels(outcome).inc(count)
        if result.outcomes["undecodable"]:
            return PlainTextResponse("The body is no ExportTraceServiceRequest.\n", 400)
        return _answer(encoding, result.outcomes["rejected"])


def _encoding(request: Request) -> str:
    encoding = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if encoding not in {JSON, PROTOBUF}:
        raise _RefusedError(415, f"Content-Type must be {PROTOBUF} or {JSON}.")
    return encoding


def _compression(request: Request) -> str:
    compression = request.headers.get("content-encoding", "identity").strip().lower()
    if compression not in {"identity", "gzip"}:
        raise _RefusedError(415, "Content-Encoding must be gzip, or none.")
    return compression


def _too_large() -> _RefusedError:
    return _RefusedError(413, f"A body has at most {MAX_BODY_BYTES} bytes, {MAX_PLAIN_BYTES} when unpacked.")


async def _body(request: Request) -> bytes:
    """The body as it came, which may neither be too large nor take for ever."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY_BYTES:
                    raise _too_large()
    except TimeoutError:
        raise _RefusedError(408, f"The body did not come within {BODY_WITHIN_S} s.") from None
    except ClientDisconnect:
        raise _RefusedError(400, "The connection ended.") from None
    return bytes(body)


def _unpacked(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = unpacking.decompress(body, MAX_PLAIN_BYTES)
    except zlib.error as error:
        raise _RefusedError(400, f"The body is no gzip: {error}.") from None
    if unpacking.unconsumed_tail:
        raise _too_large()
    return plain


def _answer(encoding: str, rejected: int) -> Response:
    why = "rejected spans are in the dead letters, with the reason"
    if encoding == JSON:
        # Numbers of 64 bits are texts in protobuf's JSON.
        partial = f'{{"partialSuccess":{{"rejectedSpans":"{rejected}","errorMessage":"{why}"}}}}'
        return Response(partial if rejected else "{}", media_type=JSON)
    answer = ExportTraceServiceResponse()
    if rejected:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = why
    return Response(answer.SerializeToString(), media_type=PROTOBUF)
