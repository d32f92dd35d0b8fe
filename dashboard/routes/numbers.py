"""Numbers of a span: what flowed, how fast, and how far behind groups are."""

from typing import Any

from fastapi import APIRouter, Request

from dashboard.queries import flows, health, lag, overview, pathways, topology
from dashboard.routes.parameters import Shown, Size, Store, Words, times

numbers = APIRouter()


@numbers.get("/overview")
def get_overview(reader: Store, shown: Shown, wanted: Words, *, compare: bool = False) -> dict[str, Any]:
    """Delivery, latencies, shares and counts of a span; with `compare` those of the span before in `previous`."""
    before = {"previous": overview.delivery(reader, shown.before(), wanted)} if compare else {}
    return {**times(shown), **overview.overview(reader, shown, wanted), **before}


@numbers.get("/topology")
def get_topology(reader: Store, shown: Shown, wanted: Words, *, grouped: bool | None = None) -> dict[str, Any]:
    """Producers, topics and groups, and what flows between them. `grouped`: clients that differ by a number are one."""
    return {**times(shown), **topology.topology(reader, shown, wanted, grouped=grouped)}


@numbers.get("/flows")
def get_flows(reader: Store, shown: Shown, wanted: Words) -> dict[str, Any]:
    """Topics with their groups."""
    return {**times(shown), "flows": flows.flows(reader, shown, wanted)}


@numbers.get("/lag")
def get_lag(reader: Store, wanted: Words) -> dict[str, Any]:
    """How far each group is behind, now: in messages, and in time."""
    return {"lag": lag.lag(reader, wanted)}


@numbers.get("/pathways")
def get_pathways(reader: Store, shown: Shown, size: Size = 50) -> dict[str, Any]:
    """Traffic between topics, and the newest pathways."""
    return {**times(shown), **pathways.pathways(reader, shown, size)}


@numbers.get("/health")
def get_health(request: Request, reader: Store) -> dict[str, Any]:
    """The pipeline's own counters, how far each topic is read, and dead letters."""
    state = request.app.state
    return {**health.health(reader), "reading": state.status(), "job": state.job()}
