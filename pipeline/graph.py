"""The whole graph. Tests, files, Kafka and every runner share it."""

from typing import Any, NamedTuple

import apache_beam as beam

from pipeline.config.setting_types import sla_rules
from pipeline.config.settings import Settings
from pipeline.io.topics_to_read import TopicsToRead
from pipeline.sources import Observed, Source
from pipeline.topic_names import followed
from transforms.findings.drop_unripe import DropUnripe
from transforms.findings.limit_findings import LimitFindings
from transforms.findings.sla import Sla
from transforms.input import dead_letters
from transforms.input.find_end import FindEnd
from transforms.input.link_headers import LinkHeaders
from transforms.input.pack_by_key import PackByKey
from transforms.input.parse_traces import DEAD_LETTERS, ParseTraces
from transforms.join.join_blocks import JoinBlocks
from transforms.locate.place_facts import PlaceFacts
from transforms.observe.observe_topics import ObserveTopics
from transforms.pathways.follow_pathways import FollowPathways
from transforms.state.addresses import JOIN, PLACE, STATS
from transforms.state.batches import Records
from transforms.state.keep_view import FINDINGS
from transforms.state.packs import MergePacks
from transforms.state.waits import Waits
from transforms.stats.keep_stats import KeepStats


class Sinks(NamedTuple):
    """Where the outputs go: transforms that take lists of records, each key and value as bytes.

    See `Settings.output_topics`.
    """

    traces: beam.PTransform
    findings: beam.PTransform
    dead_letters: beam.PTransform
    stats: beam.PTransform
    pathways: beam.PTransform


def build(pipeline: beam.Pipeline, source: Source, sinks: Sinks, settings: Settings) -> None:
    """Add all steps to the pipeline. Labels are part of the saved state: a changed label starts without it."""
    waits, limit, block_size = waits_of(settings), settings.limit_open_per_key, settings.block_size
    common: dict[str, Any] = {"cluster": settings.cluster_name, "bounded": source.bounded}
    follows = followed(settings.topics_include, settings.topics_exclude)
    is_read = followed(settings.trace_topics, "") if settings.trace_topics else None
    is_compacted = followed(settings.compacted_topics, "") if settings.compacted_topics else None
    exact, sla = settings.commit_mode == "exact", Sla(sla_rules(settings.sla_ms))

    read = source.read(pipeline)
    parsed = read.traces | "ParseTraces" >> ParseTraces(settings.date_max_ahead_ms, follows)
    linked = read.messages | "LinkHeaders" >> LinkHeaders()
    end = (parsed["traces"], linked) | "FindEnd" >> FindEnd() if source.bounded else None

    routing = settings.locate_shards, block_size, settings.cluster_name
    packed = parsed["traces"] | "PackTraces" >> PackByKey(*routing)
    links = linked | "PackLinks" >> PackByKey(*routing)
    unplaced = (packed[PLACE], links[PLACE]) | "MergeUnplaced" >> MergePacks()
    placed = unplaced | "PlaceFacts" >> PlaceFacts(waits, limit, block_size, is_read=is_read, **common)
    facts = (packed[JOIN], links[JOIN], placed[JOIN]) | "MergeFacts" >> MergePacks(end)
    joined = facts | "JoinBlocks" >> JoinBlocks(
        waits, limit, block_size, exact=exact, sla=sla, is_compacted=is_compacted, **common
    )
    steps, tallies = [packed, placed, joined], [joined[STATS]]
    found = [step[FINDINGS] for step in steps]
    if settings.trace_pathways:
        paths = parsed["traces"] | "FollowPathways" >> FollowPathways(
            waits, limit, settings.locate_shards, quiet=settings.pathway_quiet_ms, **common
        )
        paths.pathways | "WritePathways" >> sinks.pathways
        found.append(paths[FINDINGS])
        tallies.append(paths[STATS])

    if read.findings is not None:
        found.append(read.findings)
    findings = found | "MergeFindings" >> beam.Flatten()
    if end is not None:
        findings = findings | "DropUnripe" >> DropUnripe(end)
    if read.observed is not None:
        observed = _observe(read.observed, settings, bounded=source.bounded)
        observed.records | "WriteObserved" >> sinks.stats
        findings = (findings, observed[FINDINGS]) | "MergeObservedFindings" >> beam.Flatten()
    told = findings | "LimitFindings" >> LimitFindings(waits, settings.anomaly_burst, **common)
    windows = (*tallies, told[STATS]) | "MergeTallies" >> MergePacks(end)
    stats = windows | "KeepStats" >> KeepStats(waits, **common)

    # Each step hands its records to a sink of its own: what is merged first would be encoded once more.
    for label, step in {"WriteUnplaced": packed, "WritePlaced": placed, "WriteJoined": joined}.items():
        step.traces | label >> sinks.traces
    told.anomalies | "WriteFindings" >> sinks.findings
    stats | "WriteStats" >> sinks.stats
    _write_letters(parsed[DEAD_LETTERS], "DeadLetters", sinks)
    if read.dead_letters is not None:
        _write_letters(read.dead_letters, "UnreadableInput", sinks)


def _observe(observed: Observed, settings: Settings, *, bounded: bool) -> Any:
    """What is seen of topics that nobody traces. It has an end of its own, so that traces come out as without it."""
    end = tuple(observed) | "FindObservedEnd" >> FindEnd() if bounded else None
    observes = TopicsToRead.of(settings).observes
    step = ObserveTopics(
        waits_of(settings), observes, settings.date_max_ahead_ms, cluster=settings.cluster_name, end=end
    )
    return tuple(observed) | "ObserveTopics" >> step


def _write_letters(letters: beam.PCollection, name: str, sinks: Sinks) -> None:
    records = letters | f"Format{name}" >> beam.Map(_records_of)
    records | f"Write{name}" >> sinks.dead_letters


def _records_of(letter: dead_letters.DeadLetter) -> Records:
    return Records(dead_letters.to_key_values(letter))


def waits_of(settings: Settings) -> Waits:
    """The waits, as the views take them."""
    return Waits(
        hold_send=settings.hold_send_ms,
        hold_ack=settings.hold_ack_ms,
        hold_consume=settings.hold_consume_ms,
        hold_commit=settings.hold_commit_ms,
        commit_reorder=settings.commit_reorder_ms,
        unacked=settings.unacked_ms,
        lost=settings.lost_ms,
        unconsumed=settings.unconsumed_ms,
        uncommitted=settings.uncommitted_ms,
        stalled=settings.stalled_ms,
        consumption_buffer=settings.consumption_buffer_ms,
        stats_interval=settings.stats_interval_ms,
        retention=settings.retention_ms,
    )
