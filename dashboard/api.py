"""The web application: pages and `/api`."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from dashboard import live
from dashboard.guard import Guard
from dashboard.routes.lists import lists
from dashboard.routes.numbers import numbers
from dashboard.store import Reader
from pipeline.errors import UserError

STATIC = Path(__file__).with_name("static")
#: The pages are views of one document; each has an address that can be kept.
PAGES = (
    "/", "/topology", "/flows", "/traces", "/message", "/client", "/incidents", "/anomalies", "/pathways", "/health",
    "/reference",
)  # fmt: skip

#: Grows when an answer changes its meaning; what is added to answers leaves it as it is.
PREFIX = "/api/v1"

api = APIRouter(prefix=PREFIX)
api.include_router(numbers)
api.include_router(lists)


def application(
    reader: Reader,
    token: str | None,
    status: Callable[[], dict[str, Any]] = dict,
    job: Callable[[], dict[str, Any]] = dict,
) -> FastAPI:
    """The application over a store.

    `status` tells how the reading of Kafka is, and `job` how the pipeline is; `token` None lets everyone in.
    """
    app = FastAPI(title="tracing-aggregator", version="1", docs_url=None, redoc_url=None)
    app.state.reader, app.state.status, app.state.job = reader, status, job
    app.state.ending = asyncio.Event()
    app.add_middleware(Guard, token=token)
    app.add_exception_handler(UserError, _cannot)
    app.add_exception_handler(OverflowError, _too_large)
    app.include_router(api)
    for page in PAGES:
        app.add_api_route(page, _page, include_in_schema=False, response_class=FileResponse)
    app.add_api_route("/api/live", get_live, include_in_schema=False)
    app.add_exception_handler(404, _nowhere)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def get_live(request: Request) -> StreamingResponse:
    """Server-sent events: the store has changed."""
    events = live.changes(request.app.state.reader.address, request.app.state.ending)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _cannot(_: Request, error: Exception) -> JSONResponse:
    message, todo = (error.message, error.todo) if isinstance(error, UserError) else (str(error), "")
    return JSONResponse({"detail": message, "todo": todo}, 422)


def _too_large(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"detail": "A number is larger than any offset or date."}, 422)


def _page() -> FileResponse:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


def _nowhere(request: Request, error: Exception) -> Response:
    """A page for people, JSON for programs."""
    if request.url.path.startswith(("/api/", "/static/")):
        return JSONResponse({"detail": getattr(error, "detail", "Not Found")}, 404)
    return FileResponse(STATIC / "index.html", 404, headers={"Cache-Control": "no-cache"})
