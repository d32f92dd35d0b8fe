"""Settings that only Kafka Streams knew, so that its properties files still start this aggregator."""

from collections.abc import Callable
from typing import NamedTuple


class Equivalent(NamedTuple):
    """What a Kafka Streams setting becomes here."""

    setting: str
    convert: Callable[[str], str]


def _at_least_a_second(millis: str) -> str:
    """Exactly-once Streams commits each 100 ms; a checkpoint costs too much for that."""
    return str(max(int(millis), 1_000)) if millis.strip().isdigit() else millis


EQUIVALENTS = {
    "num.stream.threads": Equivalent("flink.parallelism", str),
    "commit.interval.ms": Equivalent("checkpoint.interval.ms", _at_least_a_second),
}

_SERDES = "records are always JSON"
_HANDLERS = "bad input goes to `dead.letter.topic` with its bytes"
_CACHE = "the counterpart is `state.cache.mb`, but a value for Streams would be too small"
_STANDBY = "state is kept in checkpoints below `state.dir`"
_ENGINE = "Beam and its runner take care of it"
_TIME = "time is the record's Kafka timestamp"

# Name, and why it has no effect here.
WITHOUT_EFFECT = {
    "acceptable.recovery.lag": _STANDBY,
    "application.server": _ENGINE,
    "buffered.records.per.partition": _ENGINE,
    "built.in.metrics.version": _ENGINE,
    "cache.max.bytes.buffering": _CACHE,
    "default.client.supplier": _ENGINE,
    "default.deserialization.exception.handler": _HANDLERS,
    "default.dsl.store": _STANDBY,
    "default.key.serde": _SERDES,
    "default.list.key.serde.inner": _SERDES,
    "default.list.key.serde.type": _SERDES,
    "default.list.value.serde.inner": _SERDES,
    "default.list.value.serde.type": _SERDES,
    "default.production.exception.handler": _HANDLERS,
    "default.timestamp.extractor": _TIME,
    "default.value.serde": _SERDES,
    "deserialization.exception.handler": _HANDLERS,
    "dsl.store.suppliers.class": _STANDBY,
    "ensure.explicit.internal.resource.naming": _ENGINE,
    "log.summary.interval.ms": _ENGINE,
    "max.task.idle.ms": _ENGINE,
    "max.warmup.replicas": _STANDBY,
    "num.standby.replicas": _STANDBY,
    "poll.ms": _ENGINE,
    "probing.rebalance.interval.ms": _STANDBY,
    "processing.exception.handler": _HANDLERS,
    "processing.guarantee": "delivery is at least once, and each record has an id by which a repeat is known",
    "processor.wrapper.class": _ENGINE,
    "production.exception.handler": _HANDLERS,
    "rack.aware.assignment.non_overlap_cost": _ENGINE,
    "rack.aware.assignment.strategy": _ENGINE,
    "rack.aware.assignment.tags": _ENGINE,
    "rack.aware.assignment.traffic_cost": _ENGINE,
    "repartition.purge.interval.ms": "there are no repartition topics",
    "replication.factor": "`tracing-aggregator topics` replicates each topic three times, or once per broker if fewer",
    "rocksdb.config.setter": _STANDBY,
    "state.cleanup.delay.ms": _STANDBY,
    "statestore.cache.max.bytes": _CACHE,
    "task.assignor.class": _ENGINE,
    "task.timeout.ms": _ENGINE,
    "topology.optimization": _ENGINE,
    "upgrade.from": _ENGINE,
    "window.size.ms": _TIME,
    "windowed.inner.class.serde": _SERDES,
    "windowstore.changelog.additional.retention.ms": _STANDBY,
}

# Streams has several kinds of consumer; ours is its main one. The others, and its internal topics, do not exist here.
MAIN_CONSUMER = "main.consumer."
PREFIXES_WITHOUT_EFFECT = ("restore.consumer.", "global.consumer.", "topic.")
