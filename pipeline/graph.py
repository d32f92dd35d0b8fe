"""The whole graph. Tests, files, Kafka and every runner share it."""

from functools import partial
from typing import NamedTuple

import apache_beam as beam

from pipeline.settings import Settings
from pipeline.sources import Source
from pipeline.topic_names import followed
from transforms import dead_letters
from transforms.addresses import JOIN, LOCATE, ORDER
from transforms.drop_unripe import DropUnripe
from transforms.findings import Finding
from transforms.join_blocks import JoinBlocks
from transforms.keep_view import FINDINGS
from transforms.link_headers import LinkHeaders
from transforms.locate_sends import LocateSends
from transforms.order_commits import OrderCommits
from transforms.pack_by_key import PackByKey, Router
from transforms.packs import MergePacks
from transforms.parse_traces import DEAD_LETTERS, ParseTraces
from transforms.records import KeyValue
from transforms.waits import Waits


class Sinks(NamedTuple):
    """Where the outputs go: transforms that take key and value as bytes."""

    traces: beam.PTransform
    findings: beam.PTransform
    dead_letters: beam.PTransform


def build(pipeline: beam.Pipeline, source: Source, sinks: Sinks, settings: Settings) -> None:
    """Add all steps to the pipeline. Labels are part of the saved state: a changed label starts without it."""
    waits, limit, cluster = waits_of(settings), settings.limit_open_per_key, settings.cluster_name
    block_size, exact, bounded = settings.block_size, settings.commit_mode == "exact", source.bounded
    follows = followed(settings.topics_include, settings.topics_exclude)

    read = source.read(pipeline)
    parsed = read.traces | "ParseTraces" >> ParseTraces(settings.date_max_ahead_ms, follows)
    linked = read.messages | "LinkHeaders" >> LinkHeaders()

    router = Router(settings.locate_shards, block_size)
    packed = parsed["traces"] | "PackTraces" >> PackByKey(router, cluster)
    links = linked | "PackLinks" >> PackByKey(router, cluster)
    sends = (packed[LOCATE], links[LOCATE]) | "MergeSends" >> MergePacks()
    located = sends | "LocateSends" >> LocateSends(waits, limit, block_size, cluster=cluster, bounded=bounded)
    commits = (packed[ORDER],) | "MergeCommits" >> MergePacks()
    ordered = commits | "OrderCommits" >> OrderCommits(waits, limit, block_size, cluster=cluster, bounded=bounded)
    facts = (packed[JOIN], links[JOIN], located[JOIN], ordered[JOIN]) | "MergeFacts" >> MergePacks()
    joined = facts | "JoinBlocks" >> JoinBlocks(waits, limit, exact=exact, cluster=cluster, bounded=bounded)

    steps = (packed, located, ordered, joined)
    traces = [step.traces for step in steps] | "MergeTraces" >> beam.Flatten()
    findings = [step[FINDINGS] for step in steps] | "MergeFindings" >> beam.Flatten()
    letters = (parsed[DEAD_LETTERS], read.dead_letters) | "MergeDeadLetters" >> beam.Flatten()
    if bounded:
        findings = findings | "DropUnripe" >> DropUnripe((parsed["traces"], linked))

    traces | "TypeTraces" >> beam.Map(_same).with_output_types(KeyValue) | "WriteTraces" >> sinks.traces
    findings | "FormatFindings" >> beam.Map(_record).with_output_types(KeyValue) | "WriteFindings" >> sinks.findings
    (
        letters
        | "FormatDeadLetters" >> beam.FlatMap(partial(dead_letters.to_key_values)).with_output_types(KeyValue)
        | "WriteDeadLetters" >> sinks.dead_letters
    )


def waits_of(settings: Settings) -> Waits:
    """The waits, as the views take them."""
    return Waits(
        hold_send=settings.hold_send_ms,
        hold_ack=settings.hold_ack_ms,
        hold_consume=settings.hold_consume_ms,
        hold_commit=settings.hold_commit_ms,
        commit_reorder=settings.commit_reorder_ms,
        unacked=settings.unacked_ms,
        retention=settings.retention_ms,
    )


def _same(record: KeyValue) -> KeyValue:
    return record


def _record(found: Finding) -> KeyValue:
    return found.key, found.value
