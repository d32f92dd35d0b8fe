"""The web application: pages and `/api`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from pipeline.errors import UserError
from tracing_aggregator.dashboard.live import Changes, EventStream
from tracing_aggregator.dashboard.routes.lists import lists
from tracing_aggregator.dashboard.routes.numbers import numbers
from tracing_aggregator.dashboard.store import Reader, TooSlowError
from tracing_aggregator.dashboard.vitals import Vitals
from tracing_aggregator.web.busy import Busy
from tracing_aggregator.web.connections import Connections, Limits
from tracing_aggregator.web.guard import OPEN_PATHS, Guard
from tracing_aggregator.web.tokens import Tokens

STATIC = Path(__file__).with_name("static")
#: The pages are views of one document; each has an address that can be kept.
PAGES = (
    "/", "/topology", "/flows", "/traces", "/message", "/client", "/incidents", "/anomalies", "/pathways", "/health",
    "/reference",
)  # fmt: skip

#: Pages that are told of changes at a time, if nobody says another number.
STREAMS = 100
_LIVE = "/api/live"
#: Requests at a time beside those.
_REQUESTS = 32

#: Grows when an answer changes its meaning; what is added to answers leaves it as it is.
PREFIX = "/api/v1"

api = APIRouter(prefix=PREFIX)
api.include_router(numbers)
api.include_router(lists)


def application(
    reader: Reader,
    tokens: Tokens | None,
    status: Callable[[], dict[str, Any]] = dict,
    job: Callable[[], dict[str, Any]] = dict,
    streams: int = STREAMS,
    connections: Connections | None = None,
) -> FastAPI:
    """The application over a store.

    `status` tells how the reading of Kafka is, and `job` how the pipeline is; `tokens` None lets everyone in;
    `connections` are those of the server, for its metrics.
    """
    app = FastAPI(title="tracing-aggregator", version="1", docs_url=None, redoc_url=None)
    changes = Changes(reader.address, streams)
    vitals = Vitals(reader, changes, connections or Connections(Limits()), status)
    app.state.reader, app.state.status, app.state.job = reader, status, job
    app.state.changes, app.state.vitals = changes, vitals
    app.state.registry = CollectorRegistry(auto_describe=False)
    app.state.registry.register(vitals)
    app.add_middleware(Busy, limit=_REQUESTS, free=(_LIVE, *OPEN_PATHS))
    app.add_middleware(Guard, tokens=tokens)
    app.add_exception_handler(UserError, _cannot)
    app.add_exception_handler(TooSlowError, _too_slow)
    app.add_exception_handler(OverflowError, _too_large)
    app.include_router(api)
    for page in PAGES:
        app.add_api_route(page, _page, include_in_schema=False, response_class=FileResponse)
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    app.add_api_route(_LIVE, get_live, include_in_schema=False)
    app.add_exception_handler(404, _nowhere)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


async def get_live(request: Request) -> Response:
    """Server-sent events: the store has changed."""
    return EventStream(request.app.state.changes)


def _healthz(request: Request) -> Response:
    is_alive, why = request.app.state.vitals.alive()
    return PlainTextResponse(why + "\n", 200 if is_alive else 503)


def _metrics(request: Request) -> Response:
    text = generate_latest(request.app.state.registry)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _cannot(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse(_told(error), 422)


def _too_slow(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse(_told(error), 503, {"Retry-After": "5"})


def _told(error: Exception) -> dict[str, str]:
    message, todo = (error.message, error.todo) if isinstance(error, UserError) else (str(error), "")
    return {"detail": message, "todo": todo}


def _too_large(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"detail": "A number is larger than any offset or date."}, 422)


def _page() -> FileResponse:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


def _nowhere(request: Request, error: Exception) -> Response:
    """A page for people, JSON for programs."""
    if request.url.path.startswith(("/api/", "/static/")):
        return JSONResponse({"detail": getattr(error, "detail", "Not Found")}, 404)
    return FileResponse(STATIC / "index.html", 404, headers={"Cache-Control": "no-cache"})
