"""Every metric: its name, what it says, and where it comes from. docs/metrics.md explains them."""

from typing import NamedTuple


class Metric(NamedTuple):
    """A metric that comes from a field of a statistics record, or from a counter of the job of that name."""

    field: str
    name: str
    help: str


#: Labels by kind of statistics record. No client, partition or correlationId: their number has no bound.
LABELS = {
    "topic": ("cluster", "topic"),
    "group": ("cluster", "topic", "group"),
    "edge": ("cluster", "from_topic", "group", "to_topic"),
    "observed": ("cluster", "topic"),
    "observedGroup": ("cluster", "topic", "group"),
}

#: The fields of each kind of record that the labels after `cluster` come from.
LABEL_FIELDS = {
    "topic": ("topic",),
    "group": ("topic", "groupId"),
    "edge": ("fromTopic", "groupId", "toTopic"),
    "observed": ("topic",),
    "observedGroup": ("topic", "groupId"),
}

#: Of statistics records: numbers that only grow. A dot leads into a nested object.
COUNTERS = {
    "topic": (
        Metric("produced", "kafka_trace_produced_messages_total", "Messages of the topic that any trace tells of."),
        Metric("sent", "kafka_trace_sent_messages_total", "Messages whose SEND is known."),
        Metric("acked", "kafka_trace_acknowledged_messages_total", "Messages whose ACK is known."),
        Metric("coverage.traced", "kafka_trace_covered_messages_total", "Messages with a SEND or an ACK."),
        Metric(
            "coverage.offsets",
            "kafka_trace_covered_offsets_total",
            "Offsets from the lowest known message of each minute to the highest; covered messages divided by them is "
            "the coverage.",
        ),
    ),
    "group": (
        Metric("expected", "kafka_trace_expected_messages_total", "Messages that the group read or should read."),
        Metric("actual", "kafka_trace_consumed_messages_total", "Distinct messages that the group read."),
        Metric("over", "kafka_trace_over_consumed_deliveries_total", "Deliveries after the first of a message."),
        Metric("committed", "kafka_trace_committed_messages_total", "Messages that the group read and committed."),
        Metric("slaBreaches", "kafka_trace_sla_breaches_total", "Messages that were read later than sla.ms allows."),
    ),
    "edge": (
        Metric("count", "kafka_trace_forwarded_messages_total", "Messages that the group sent on to another topic."),
    ),
    "observed": (
        Metric("messages", "kafka_trace_observed_messages_total", "Records of the topic, traced or not."),
        Metric("bytes", "kafka_trace_observed_bytes_total", "Bytes of their keys and values."),
    ),
    "observedGroup": (
        Metric("commitCount", "kafka_trace_observed_commits_total", "Commits of the group, a partition each."),
        Metric("rewinds", "kafka_trace_observed_rewinds_total", "Commits below the one before."),
        Metric("committed", "kafka_trace_observed_committed_messages_total", "Messages that were committed first."),
    ),
}

#: Of statistics records: distributions.
HISTOGRAMS = {
    "topic": (Metric("ackLatencyMs", "kafka_trace_ack_latency_seconds", "From produced to the first ACK."),),
    "group": (
        Metric("consumeLatencyMs", "kafka_trace_consume_latency_seconds", "From produced to the first delivery."),
        Metric("commitLatencyMs", "kafka_trace_commit_latency_seconds", "From the first delivery to its commit."),
    ),
    "edge": (
        Metric("residenceMs", "kafka_trace_residence_seconds", "From read to sent on."),
        Metric("fromOriginMs", "kafka_trace_origin_latency_seconds", "From the first SEND of the message to this one."),
    ),
    "observed": (),
    "observedGroup": (
        Metric(
            "produceToCommitMs",
            "kafka_trace_observed_commit_latency_seconds",
            "From the date of the record to its first commit.",
        ),
    ),
}

#: Upper bounds of the buckets of all histograms, in ms: from one to a day, in the steps that people think in.
BOUNDS_MS = (
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000,
)  # fmt: skip

#: Gauges over the windows that are not final.
UNDER = Metric(
    "under", "kafka_trace_under_consumed_messages", "Messages that are due and that the group has not read yet."
)
IN_FLIGHT = Metric(
    "expected, actual, under",
    "kafka_trace_in_flight_messages",
    "Messages that the group has not read yet, and that are not due: expected - consumed - under-consumed.",
)
OPEN = Metric("verdicts", "kafka_trace_open_findings", "Open findings of the topic by reason, those of groups too.")
OPEN_OF_GROUP = Metric("verdicts", "kafka_trace_group_open_findings", "Open findings of the group by reason.")
NEWEST_WINDOW = Metric(
    "windowStart", "kafka_trace_newest_window_timestamp_seconds", "Start of the newest minute that has statistics."
)

#: Of the newest measurement of each partition of an observed topic.
OBSERVED_LAG = Metric("lag", "kafka_trace_observed_lag_messages", "Messages that the group has not committed.")
OBSERVED_LAG_TIME = Metric(
    "lagMs", "kafka_trace_observed_lag_seconds", "Age of the oldest message that the group has not committed."
)
OBSERVED_COMMIT = Metric(
    "measuredAt, sinceCommitMs",
    "kafka_trace_observed_last_commit_timestamp_seconds",
    "When the group committed last in any partition of the topic.",
)

#: Over the pairs of clients whose clocks the newest two hours tell of; one number each, however many clients there are.
CLOCK_PAIRS = Metric("clients", "kafka_trace_clock_pairs", "Pairs of clients of whose clocks a bound is known.")
CLOCK_SKEW = Metric(
    "lowerMs, upperMs",
    "kafka_trace_clock_skew_seconds",
    "By how much the clocks of two clients are apart at least: the largest of all pairs.",
)
CLOCKS_SET = Metric(
    "inconsistent", "kafka_trace_inconsistent_clock_pairs", "Pairs of clients of which a clock was set within the hour."
)

#: The namespace of the job's counters, which transforms/state/counters.py declares.
NAMESPACE = "tracing-aggregator"


def _job(counter: str, name: str, text: str) -> Metric:
    return Metric(counter, f"kafka_trace_aggregator_{name}_total", text)


#: Counters of the job; they begin anew when the job does.
JOB_COUNTERS = (
    _job("received", "received_traces", "Records read from the tracing topic."),
    _job("parsed", "parsed_traces", "Records that are valid traces of a followed topic."),
    _job("dead_lettered", "dead_lettered_traces", "Records that became dead letters."),
    _job("not_followed", "not_followed_traces", "Valid traces of topics that are not followed."),
    _job("dead_lettered_output", "dead_lettered_outputs", "Output records that were too large for the brokers."),
    _job("input_lost", "lost_input_records", "Records of topics that we read which were gone before we read them."),
    _job("unknown_offsets", "unknown_offsets_records", "Records of __consumer_offsets that are not understood."),
    _job("emitted", "emitted_traces", "First outputs of traces on the aggregated topic."),
    _job("duplicates", "duplicate_traces", "Traces whose id was there already."),
    _job("revisions", "revisions", "Outputs that replace an earlier one of the same id."),
    _job("range_commits", "range_commits", "Commit records of messages that a commit settled beside its own offset."),
    _job("findings", "findings", "Findings written, resolutions among them."),
    _job("evicted", "evicted_facts", "Facts given up because a key held too many."),
    _job("views_rebuilt", "view_rebuilds", "Journals replayed because the cache had no view."),
    _job("views_cached", "view_cache_hits", "Views taken from the cache."),
    _job("snapshots", "snapshots", "Journals rewritten as one snapshot."),
)

#: Of the job.
RUNNING = Metric("", "kafka_trace_aggregator_job_running", "1 while every task of the job runs, else 0.")
HELD = Metric(
    "", "kafka_trace_aggregator_held_traces", "Health: parsed - emitted - duplicates, since the job began. Still held."
)
UNACCOUNTED = Metric(
    "",
    "kafka_trace_aggregator_unaccounted_traces",
    "Health: received - parsed - dead-lettered - not followed. Must be 0.",
)
CHECKPOINT = Metric(
    "", "kafka_trace_aggregator_last_checkpoint_timestamp_seconds", "When the newest complete checkpoint was made."
)
CHECKPOINT_DURATION = Metric(
    "", "kafka_trace_aggregator_last_checkpoint_duration_seconds", "How long the newest complete checkpoint took."
)
CHECKPOINT_SIZE = Metric(
    "", "kafka_trace_aggregator_last_checkpoint_size_bytes", "State that the newest complete checkpoint holds."
)
FAILED_CHECKPOINTS = Metric(
    "", "kafka_trace_aggregator_failed_checkpoints_total", "Checkpoints of the job that failed."
)
#: Of the exporter itself.
STARTED = Metric(
    "", "kafka_trace_aggregator_start_timestamp_seconds", "When the process that serves these metrics began."
)
LAG = Metric("", "kafka_trace_aggregator_lag_records", "Records of the tracing topic that the job has not committed.")
UNREAD = Metric(
    "",
    "kafka_trace_aggregator_unread_partitions",
    "Partitions of the tracing topic that have records and of which the job has committed none.",
)
JOB_GAUGES = (RUNNING, HELD, UNACCOUNTED, CHECKPOINT, CHECKPOINT_DURATION, CHECKPOINT_SIZE)
