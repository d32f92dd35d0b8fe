"""An OTLP/HTTP receiver of traces: `POST /v1/traces`, protobuf or JSON, plain or gzip.

It answers once the records are written. A client that hears of a failure sends again: the same spans give the same ids.
"""

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as Metric
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.guard import Guard
from ingest.deliver import NotDeliveredError
from ingest.raw_traces import Consumption
from ingest.records import OUTCOMES, Record, Topics, taken
from ingest.spans import JSON, PROTOBUF

MAX_BODY_BYTES = 4 << 20
MAX_PLAIN_BYTES = 16 << 20
BODY_WITHIN_S = 30
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

    def application(self, token: str | None) -> Starlette:
        """The server; with a token, only who knows it is heard."""
        routes = [
            Route("/v1/traces", self._traces, methods=["POST"]),
            Route("/metrics", self._metrics),
            Route("/healthz", lambda _: PlainTextResponse("ok\n")),
        ]
        return Starlette(routes=routes, middleware=[Middleware(Guard, token=token)])

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _traces(self, request: Request) -> Response:
        try:
            encoding = _encoding(request)
            body = await _body(request)
        except _RefusedError as refused:
            return PlainTextResponse(refused.why + "\n", refused.status)
        result = taken(body, encoding, self._topics, self._consumption, time.time_ns() // 1_000_000)
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


async def _body(request: Request) -> bytes:
    """The body, not compressed; neither form may be too large, nor take for ever."""
    compression = request.headers.get("content-encoding", "identity").strip().lower()
    if compression not in {"identity", "gzip"}:
        raise _RefusedError(415, "Content-Encoding must be gzip, or none.")
    too_large = _RefusedError(413, f"A body has at most {MAX_BODY_BYTES} bytes, {MAX_PLAIN_BYTES} when unpacked.")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY_BYTES:
                    raise too_large
    except TimeoutError:
        raise _RefusedError(408, f"The body did not come within {BODY_WITHIN_S} s.") from None
    except ClientDisconnect:
        raise _RefusedError(400, "The connection ended.") from None
    if compression == "identity":
        return bytes(body)
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = unpacking.decompress(bytes(body), MAX_PLAIN_BYTES)
    except zlib.error as error:
        raise _RefusedError(400, f"The body is no gzip: {error}.") from None
    if unpacking.unconsumed_tail:
        raise too_large
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
