"""Curves of the join alone: bytes of state and CPU over groups, partitions, open messages and retention."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby

from bench.console import Say
from bench.documents import machine
from bench.generate import MS, SECOND, Traffic
from bench.scale.core import KINDS, PARSE, Core
from pipeline.config.settings import Settings
from tracing_aggregator.sizing.curves import Curve, Row
from transforms.input.records import SEND, KeyValue
from transforms.state.addresses import FOLLOW, JOIN, LOCATE, ORDER, PRODUCE, STATS

#: Of the journal entries' owners, for a reader of the tables.
NAMES = {
    PARSE: "parse",
    LOCATE: "locate",
    ORDER: "order",
    FOLLOW: "follow",
    PRODUCE: "produce",
    JOIN: "join",
    STATS: "stats",
}
START = 1_795_359_300 * SECOND
GROUPS = (0, 1, 2, 4, 8)
PARTITIONS = (1, 4, 16, 64)
MESSAGES = (5_000, 10_000, 20_000, 40_000)
USUAL = 5_000
RETENTIONS_S = (300, 600, 1200, 2400)
#: One topic, as in the other curves.
TOPICS = ("orders",)


def core_curves(*, quick: bool, say: Say) -> Iterator[tuple[str, Curve]]:
    """All of them."""
    faster = 50 if quick else 1

    def over(name: str, values: tuple[float, ...], measure: Callable[[float], Row]) -> list[Row]:
        say(f"The join alone over {name} …")
        return [{name: value, **measure(value)} for value in (values[:2] if quick else values)]

    def burst(messages: float, groups: float = 1, partitions: float = 4) -> Row:
        """As at full load: 200 messages in a bundle; nothing is forgotten."""
        number = int(messages) // faster
        return measured(
            Traffic(number, START, MS // 2, int(groups), TOPICS, int(partitions), named_acks=not groups), Settings(), 0
        )

    def retained(retention_s: float, groups: float = 1) -> Row:
        """10 messages/s for two retentions, so that as much is forgotten as comes."""
        per_s, lasts_s = 10 / faster, 2 * retention_s
        messages, interval = round(per_s * lasts_s), round(SECOND / per_s)
        traffic = Traffic(messages, START, interval, int(groups), TOPICS, 4, named_acks=not groups)
        return measured(traffic, Settings.model_validate({"retention.ms": round(retention_s * 1000)}), lasts_s)

    def by_groups(groups: float) -> Row:
        work = {column: value for column, value in burst(USUAL, groups).items() if "CPU s" in column}
        return {**retained(300, groups), **work}

    def yielded(name: str, title: str, x: str, rows: list[Row]) -> tuple[str, Curve]:
        return name, Curve(f"The join alone, without Beam, over {title}", x, rows, machine())

    rows = over("groups", GROUPS, by_groups)
    title = "groups; state at 10 messages/s and a retention of 300 s, CPU at 2000 messages/s"
    yield yielded("core-groups", title, "groups", rows)
    rows = over("partitions", PARTITIONS, lambda partitions: burst(USUAL, 1, partitions))
    yield yielded("core-partitions", "partitions; 2000 messages/s", "partitions", rows)
    rows = over("messages", MESSAGES, burst)
    yield yielded("core-messages", "messages remembered; 2000 messages/s", "messages", rows)
    rows = over("retention s", RETENTIONS_S, retained)
    yield yielded("core-retention", "retention; 10 messages/s", "retention s", rows)


@contextmanager
def collector_off() -> Iterator[None]:
    """A worker lets Python's collector of cycles run rarely; here it would fall on any kind of view, so it rests."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@collector_off()
def measured(traffic: Traffic, settings: Settings, until_s: float) -> Row:
    """The traffic in bundles of `bundle.ms`; state as it is `until_s` after the start (0: when all is in)."""
    messages = traces = raw_bytes = written_bytes = 0

    def written(records: list[KeyValue]) -> None:
        nonlocal written_bytes
        written_bytes += sum(len(key) + len(value) for key, value in records)

    core = Core(settings, written)
    ends_at = START // MS + round(until_s * 1000) if until_s else None
    kept: Row = {}
    for moment, some in groupby(traffic.traces(), lambda trace: trace.date // MS // settings.bundle_ms):
        now = moment * settings.bundle_ms
        if ends_at is not None and now >= ends_at and not kept:
            core.pass_time(ends_at)
            kept = _kept(core, messages, traffic, settings)
        raw = list(some)
        bundle = core.parse(raw)
        core.bundle(bundle)
        core.pass_time(now)
        messages += sum(trace.type == SEND for trace in bundle)
        traces += len(bundle)
        raw_bytes += sum(len(trace.key) + len(trace.value) for trace in raw)
    kept = kept or _kept(core, messages, traffic, settings)
    return {
        **kept,
        "CPU s per million": sum(core.cpu_s.values()) * 1e6 / traces,
        **{f"{NAMES[kind]} CPU s": core.cpu_s[kind] * 1e6 / traces for kind in (PARSE, *KINDS)},
        "views per trace": core.touched / traces,
        "written bytes per message": core.written_bytes / messages,
        "raw bytes per trace": raw_bytes / traces,
        "record bytes per trace": written_bytes / traces,
    }


def _kept(core: Core, messages: int, traffic: Traffic, settings: Settings) -> Row:
    """Per message of one retention (or of all, where none is forgotten yet)."""
    alive = min(messages, settings.retention_ms * MS / traffic.interval)
    size, weights, facts = core.journal_bytes(), core.weights(), core.facts()
    return {
        "alive": alive,
        "bytes per message": sum(size.values()) / alive,
        **{f"{NAMES[kind]} bytes": size[kind] / alive for kind in KINDS},
        "locate weight": weights[LOCATE] / alive,
        "join weight": weights[JOIN] / alive,
        "locate facts": facts[LOCATE] / alive,
        "join facts": facts[JOIN] / alive,
        "rebuild µs per message": core.rebuild_s() * 1e6 / alive,
    }
