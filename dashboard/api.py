"""The web application: pages and `/api`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from dashboard.live import Changes, EventStream
from dashboard.message import message
from dashboard.queries import anomalies, flows, health, overview, pathways, span, traces
from dashboard.store import Reader, TooSlowError
from dashboard.vitals import Vitals
from explain.document import document
from explain.subject import subject_of
from pipeline.errors import UserError
from transforms.dates import NANOS_PER_MILLI
from web.busy import Busy
from web.connections import Connections, Limits
from web.guard import OPEN_PATHS, Guard
from web.tokens import Tokens

STATIC = Path(__file__).with_name("static")
#: The pages are views of one document; each has an address that can be kept.
PAGES = ("/", "/flows", "/traces", "/message", "/anomalies", "/pathways", "/health")

#: Pages that are told of changes at a time, if nobody says another number.
STREAMS = 100
_LIVE = "/api/live"
#: Requests at a time beside those.
_REQUESTS = 32

_MAX_MS = 253_402_300_800_000  # the year 10000
_LENGTH = 1000

Word = Annotated[str | None, Query(max_length=_LENGTH)]
Minutes = Annotated[int, Query(ge=1, le=1440, description="Length of the span, in minutes.")]
Instant = Annotated[int | None, Query(ge=0, le=_MAX_MS, description="In ms since the epoch.")]
Cursor = Annotated[str | None, Query(pattern=r"^-?\d{1,19}\.\d{1,18}$", description="`next` of the page before.")]
Size = Annotated[int, Query(ge=1, le=100)]


api = APIRouter(prefix="/api")


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
    app = FastAPI(title="tracing-aggregator", docs_url=None, redoc_url=None)
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
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _reader(request: Request) -> Reader:
    reader: Reader = request.app.state.reader
    return reader


def _span(reader: "Store", minutes: Minutes = 15, until: Instant = None) -> span.Span:
    return span.span(reader, minutes, until)


Store = Annotated[Reader, Depends(_reader)]
Shown = Annotated[span.Span, Depends(_span)]


@api.get("/overview")
def get_overview(reader: Store, shown: Shown) -> dict[str, Any]:
    """Delivery, latencies, shares and counts of a span."""
    return {**_times(shown), **overview.overview(reader, shown)}


@api.get("/flows")
def get_flows(reader: Store, shown: Shown) -> dict[str, Any]:
    """Topics with their groups."""
    return {**_times(shown), "flows": flows.flows(reader, shown)}


@api.get("/traces")
def get_traces(
    reader: Store,
    subject: Word = None,
    topic: Word = None,
    groupId: Word = None,  # noqa: N803  as in the records
    clientId: Word = None,  # noqa: N803  the same
    type: Literal["SEND", "ACK", "CONSUME", "COMMIT"] | None = None,  # noqa: A002  the same
    since: Instant = None,
    until: Instant = None,
    before: Cursor = None,
    size: Size = 50,
) -> dict[str, Any]:
    """Traces, newest first. `subject` is a correlationId, or topic/partition/offset."""
    wanted = {"topic": topic, "groupId": groupId, "clientId": clientId, "type": type}
    message = subject_of(subject) if subject else None
    between = _nanos(since), _nanos(until)
    return traces.traces(reader, _given(wanted), message, between, _cursor(before), size)


@api.get("/words")
def get_words(reader: Store) -> dict[str, list[str]]:
    """What there is to filter by."""
    return traces.words(reader)


@api.get("/message")
def get_message(reader: Store, subject: Annotated[str, Query(min_length=1, max_length=_LENGTH)]) -> dict[str, Any]:
    """The timeline of one message: docs/schemas/explain.json."""
    shown, looked_at = message(reader, subject_of(subject))
    if not shown:
        raise HTTPException(404, f"Nothing is stored of {subject}.")
    return document(shown, looked_at)


@api.get("/anomalies")
def get_anomalies(
    reader: Store,
    reason: Word = None,
    topic: Word = None,
    groupId: Word = None,  # noqa: N803  as in the records
    state: Literal["open", "resolved", "all"] = "open",
    before: Cursor = None,
    size: Size = 50,
) -> dict[str, Any]:
    """Findings, newest first."""
    wanted = _given({"reason": reason, "topic": topic, "groupId": groupId})
    resolved = None if state == "all" else state == "resolved"
    return anomalies.anomalies(reader, wanted, resolved, _cursor(before), size)


@api.get("/pathways")
def get_pathways(reader: Store, shown: Shown, size: Size = 50) -> dict[str, Any]:
    """Traffic between topics, and the newest pathways."""
    return {**_times(shown), **pathways.pathways(reader, shown, size)}


@api.get("/health")
def get_health(request: Request, reader: Store) -> dict[str, Any]:
    """The pipeline's own counters, how far each topic is read, and dead letters."""
    state = request.app.state
    return {**health.health(reader), "reading": state.status(), "job": state.job()}


@api.get("/live")
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


def _times(shown: span.Span) -> dict[str, int]:
    return {"fromMs": shown.start * span.MINUTE_MS, "untilMs": shown.end * span.MINUTE_MS}


def _given(wanted: dict[str, str | None]) -> dict[str, str]:
    return {name: word for name, word in wanted.items() if word}


def _nanos(millis: int | None) -> int | None:
    return None if millis is None else millis * NANOS_PER_MILLI


def _cursor(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    date, _, row = text.partition(".")
    return int(date), int(row)
