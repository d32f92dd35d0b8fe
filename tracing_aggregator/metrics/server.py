"""The HTTP server: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever restarts and routes."""

from contextlib import ExitStack
from typing import Self

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tracing_aggregator.metrics.health import Answer, Health
from tracing_aggregator.web.busy import Busy
from tracing_aggregator.web.connections import Connections, Limits
from tracing_aggregator.web.guard import Guard
from tracing_aggregator.web.listening import bound, url
from tracing_aggregator.web.server import Tls, in_thread, server
from tracing_aggregator.web.tokens import Tokens

_HELP = "Kafka tracing aggregator: /metrics /healthz /readyz\n"
_PROBES = ("/healthz", "/readyz", "/")
#: A scrape takes as long as there are series: two or three Prometheus at a time, and some people.
_REQUESTS = 8
_LIMITS = Limits(connections=128, per_address=64)


class MetricsServer:
    """Serves from its construction until `stop`. With `tokens` `/metrics` asks for one.

    Raises OSError if it cannot listen at `host` and `port`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        health: Health,
        tokens: Tokens | None = None,
        tls: Tls | None = None,
    ) -> None:
        with ExitStack() as stack:
            listening = stack.enter_context(bound(host, port))
            self.port: int = listening.getsockname()[1]
            self.address = url(host, listening, tls=tls is not None).rstrip("/")
            made = server(_application(registry, health, tokens), Connections(_LIMITS), tls)
            stack.enter_context(in_thread(made, listening))
            self._open = stack.pop_all()

    def stop(self) -> None:
        """Answer no more."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _application(registry: CollectorRegistry, health: Health, tokens: Tokens | None) -> Starlette:
    def scrape(request: Request) -> Response:  # in a thread of its own
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    async def alive(_: Request) -> Response:
        return _answer(health.alive())

    async def ready(_: Request) -> Response:
        return _answer(health.ready())

    async def root(_: Request) -> Response:
        return PlainTextResponse(_HELP)

    async def nothing(_: Request, __: Exception) -> Response:
        return PlainTextResponse(_HELP, 404)

    routes = [Route("/metrics", scrape), Route("/healthz", alive), Route("/readyz", ready), Route("/", root)]
    middleware = [Middleware(Busy, limit=_REQUESTS, free=_PROBES)]
    if tokens is not None:
        middleware.insert(0, Middleware(Guard, tokens=tokens, open_paths=_PROBES))
    return Starlette(routes=routes, middleware=middleware, exception_handlers={404: nothing})


def _answer(answer: Answer) -> Response:
    return JSONResponse({"status": "ok" if answer.ok else "failing", "why": answer.why}, 200 if answer.ok else 503)
