"""A PathwaysView in a test: what goes in, and what came out in a form that can be read."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson

from tests.histories import START, any_trace
from transforms.input.records import CONSUME, SEND
from transforms.input.traces import Trace
from transforms.pathways.follow_pathways import path_facts
from transforms.pathways.pathway_facts import PathFact
from transforms.pathways.pathways_view import PathwaysView
from transforms.state.packs import pack_of
from transforms.state.view import Outputs
from transforms.state.waits import Waits
from transforms.stats.latency_sketch import LatencySketch
from transforms.stats.stats_facts import EdgeTallied

QUIET = 60_000


def any_view(**options: Any) -> PathwaysView:
    return PathwaysView(b"7", **{"waits": Waits(), "quiet": QUIET, "limit": 100_000} | options)


def sent(topic: str, at: int, client: str = "producer", **fields: Any) -> Trace:
    return any_trace(**{"type": SEND, "id": f"s{topic}{at}", "topic": topic, "at": at, "client_id": client} | fields)


def read(topic: str, group: str, at: int, client: str = "consumer", **fields: Any) -> Trace:
    named = {"type": CONSUME, "id": f"c{topic}{group}{at}", "topic": topic, "at": at}
    return any_trace(**named | {"client_id": client, "group_id": group} | fields)


def facts_of(items: Iterable[Trace]) -> list[PathFact]:
    """The facts of these traces as they arrive."""
    return PathwaysView.decode(pack_of(fact for *_, fact in path_facts(items, 0, shards=1)))


def take(view: PathwaysView, *items: Trace, until: int | None = None) -> Outputs:
    """What the view makes of these items in one batch, and then of the time (ms after START)."""
    outputs = view.on_facts(facts_of(items))
    if until is not None:
        later = view.on_time(START + until)
        for name in ("records", "facts", "findings"):
            getattr(outputs, name).extend(getattr(later, name))
        outputs.counts += later.counts
    return outputs


def values(outputs: Outputs) -> list[dict[str, Any]]:
    return [orjson.loads(value) for _, value in outputs.records]


def told(outputs: Outputs) -> dict[tuple[Any, ...], tuple[int, list[float], list[float]] | None]:
    """Per edge (window, from, group, to) what was told last: hops; count, min, max of residences and of latencies."""
    tallies: dict[tuple[Any, ...], Any] = {}
    for destination, key, _, fact in outputs.facts:
        assert isinstance(fact, EdgeTallied)
        assert (destination, fact.shard) == ("stats", "7")
        kind_of_key, topic, window = orjson.loads(key)
        assert kind_of_key == "window"
        tally = fact.tally
        tallies[window - START, fact.from_topic, fact.group_id, topic] = tally and (
            tally.count,
            _extent(tally.residence),
            _extent(tally.from_origin),
        )
    return tallies


def guesses(outputs: Outputs) -> Counter[tuple[Any, ...]]:
    """Per edge (window, from, group, to) how many of its hops were told last to be a guess."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for _, key, _, fact in outputs.facts:
        _, topic, window = orjson.loads(key)
        counts[window - START, fact.from_topic, fact.group_id, topic] = fact.tally.ambiguous if fact.tally else 0
    return +counts


def _extent(sketch: LatencySketch) -> list[float]:
    return [sketch.count, sketch.min, sketch.max]
