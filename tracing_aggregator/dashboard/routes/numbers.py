"""Numbers of a span: what flowed, how fast, and how far behind groups are."""

from typing import Any

from fastapi import APIRouter, Request

from tracing_aggregator.dashboard.queries import flows, health, lag, overview, pathways, topology
from tracing_aggregator.dashboard.routes.parameters import Instant, Shown, Size, Store, Words, times

numbers = APIRouter()


@numbers.get("/overview")
def get_overview(
    reader: Store,
    shown: Shown,
    wanted: Words,
    *,
    compare: bool = False,
    withTopology: bool = False,  # noqa: N803
) -> dict[str, Any]:
    """Delivery, latencies, shares and counts of a span.

    With `compare` those of the span before are in `previous`, with `withTopology` nodes and edges in `topology`.
    """
    more: dict[str, Any] = {}
    if compare:
        more["previous"] = overview.delivery(reader, shown.before(), wanted)
    if withTopology:
        more["topology"] = {**times(shown), **topology.topology(reader, shown, wanted, grouped=None)}
    return {**times(shown), **overview.overview(reader, shown, wanted), **more}


@numbers.get("/topology")
def get_topology(reader: Store, shown: Shown, wanted: Words, *, grouped: bool | None = None) -> dict[str, Any]:
    """Producers, topics and groups, and what flows between them. `grouped`: clients that differ by a number are one."""
    return {**times(shown), **topology.topology(reader, shown, wanted, grouped=grouped)}


@numbers.get("/flows")
def get_flows(
    reader: Store,
    shown: Shown,
    wanted: Words,
    *,
    withLag: bool = False,  # noqa: N803
) -> dict[str, Any]:
    """Topics with their groups; with `withLag` how far these are behind, too."""
    behind = {"lag": lag.lag(reader, wanted)} if withLag else {}
    return {**times(shown), "flows": flows.flows(reader, shown, wanted), **behind}


@numbers.get("/lag")
def get_lag(reader: Store, wanted: Words) -> dict[str, Any]:
    """How far each group is behind, now: in messages, and in time."""
    return {"lag": lag.lag(reader, wanted)}


@numbers.get("/pathways")
def get_pathways(reader: Store, shown: Shown, wanted: Words, size: Size = 50) -> dict[str, Any]:
    """Traffic between topics, and the newest pathways."""
    return {**times(shown), **pathways.pathways(reader, shown, wanted, size)}


@numbers.get("/status")
def get_status(request: Request, reader: Store, seen: Instant = None) -> dict[str, Any]:
    """Whether what is shown is of now; `new` counts open findings that came after `seen`."""
    state = request.app.state
    job = state.job()
    # A job that nobody has ever seen here may run elsewhere; one that was seen, and answers no more, is gone.
    state.has_seen_job = getattr(state, "has_seen_job", False) or "counters" in job
    return {
        **health.newest(reader, seen or 0),
        "reading": state.status(),
        "job": {"isGone": state.has_seen_job and not job.get("isReady"), "why": job.get("why", job.get("error"))},
    }


@numbers.get("/health")
def get_health(request: Request, reader: Store) -> dict[str, Any]:
    """The pipeline's own counters, how far each topic is read, and dead letters."""
    state = request.app.state
    return {**health.health(reader), "reading": state.status(), "job": state.job()}
