"""Every counter of the pipeline, in one place.

Health invariant: received = parsed + dead_lettered + not_followed; parsed = emitted + duplicates + what is still held.
"""

from apache_beam.metrics import Metrics

NAMESPACE = "tracing-aggregator"


def _counter(name: str) -> Metrics.DelegatingCounter:
    return Metrics.counter(NAMESPACE, name)


#: Records read from the tracing topic, heartbeats aside.
RECEIVED = _counter("received")
#: Records that are valid traces of a followed topic.
PARSED = _counter("parsed")
#: Records that became dead letters.
DEAD_LETTERED = _counter("dead_lettered")
#: Output records that were too large for the brokers and became dead letters.
DEAD_LETTERED_OUTPUT = _counter("dead_lettered_output")
#: Records of the topics that we read which were gone before we read them.
INPUT_LOST = _counter("input_lost")
#: Records of `__consumer_offsets` that are not understood.
UNKNOWN_OFFSETS = _counter("unknown_offsets")
#: Valid traces of topics that `topics.include` and `topics.exclude` leave out.
NOT_FOLLOWED = _counter("not_followed")
#: First outputs of raw traces on the aggregated topic; a COMMIT counts when it goes to the block that writes it.
EMITTED = _counter("emitted")
#: Raw traces whose id was there already.
DUPLICATES = _counter("duplicates")
#: Outputs that replace an earlier one of the same id, withdrawals among them.
REVISIONS = _counter("revisions")
#: First outputs of commit records for messages that a commit settled beside its own offset.
RANGE_COMMITS = _counter("range_commits")
#: Records written to the anomaly topic, resolutions and summaries among them.
FINDINGS = _counter("findings")
#: Facts given up because a key held more than `limit.open.per.key`.
EVICTED = _counter("evicted")
#: Journals replayed because the cache had no view.
VIEWS_REBUILT = _counter("views_rebuilt")
#: Views taken from the cache.
VIEWS_CACHED = _counter("views_cached")
#: Journals rewritten as one snapshot.
SNAPSHOTS = _counter("snapshots")

#: Those that a view counts by name (`Outputs.counts`).
BY_NAME = {
    "emitted": EMITTED,
    "duplicates": DUPLICATES,
    "revisions": REVISIONS,
    "range_commits": RANGE_COMMITS,
    "evicted": EVICTED,
    "findings": FINDINGS,
}
