"""What is gathered: versions, settings, verdicts, topics and lags, state, Flink, metrics, the ends of logs."""

import json
import platform
import sys
from collections.abc import Iterator
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import requests

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from pipeline.config.setting_types import LOCAL_MASTER
from pipeline.log_lines import utc
from pipeline.masking import masked
from runners.java.find_java import find_java, version
from runners.kafka.preflight import preflight
from runners.state_folder import StateFolder
from tracing_aggregator.dashboard.job import address_of
from tracing_aggregator.doctor.archive import Part
from tracing_aggregator.metrics.job import locate
from tracing_aggregator.metrics.lag import lag_of

#: How much of each log, from its end.
TAIL_BYTES = 1_000_000
_TIMEOUT_S = 5
_OF_FLINK = ("", "/checkpoints", "/exceptions", "/config")


def parts(config: Config) -> Iterator[Part]:
    """All parts, what costs nothing first. Nothing is changed."""
    folder = StateFolder.of(config.settings).root
    yield Part("versions.json", lambda: _json(_versions(config)))
    yield Part("settings.txt", lambda: _settings(config))
    yield Part("state.txt", lambda: _state(folder))
    yield Part("check.json", lambda: _json([verdict._asdict() for verdict in preflight(config)]))
    yield Part("topics.json", lambda: _json(_topics(config)))
    yield Part("metrics.txt", lambda: _asked(config, "/metrics"))
    yield Part("readyz.json", lambda: _asked(config, "/readyz"))
    if config.settings.flink_master == LOCAL_MASTER or config.settings.runner == "flink":
        yield from (
            Part(f"flink{path.replace('/', '-') or '-job'}.json", partial(_flink, config, path)) for path in _OF_FLINK
        )
    for log in sorted((folder / "logs").glob("*.log*")):
        yield Part(f"logs/{log.name}", partial(tail, log))


def tail(file: Path) -> str:
    """The end of a text file, whole lines."""
    size = file.stat().st_size
    with file.open("rb") as log:
        log.seek(max(0, size - TAIL_BYTES))
        data = log.read(TAIL_BYTES)
    return (data if size <= TAIL_BYTES else data.partition(b"\n")[2]).decode("utf-8", "replace")


def _json(found: Any) -> str:
    return json.dumps(found, indent=1, default=str) + "\n"


def _versions(config: Config) -> dict[str, Any]:
    java = find_java(config.settings.java_home)
    return {
        "python": sys.version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "java": {"path": str(java), "release": version(java)},
        "packages": {one.metadata["Name"]: one.version for one in distributions()},
    }


def _settings(config: Config) -> str:
    named = {**config.settings.model_dump(by_alias=True), **config.kafka}
    return "".join(
        f"{name}={masked(name, str(value))}  # {config.sources.get(name, 'default')}\n" for name, value in named.items()
    )


def _state(folder: Path) -> str:
    """Each file below two levels of the folder: size, time, name."""
    lines = []
    for file in sorted(one for depth in ("*", "*/*", "*/*/*") for one in folder.glob(depth)):
        found = file.lstat()
        lines.append(f"{found.st_mode:06o} {found.st_size:>14,} {utc(found.st_mtime)} {file.relative_to(folder)}\n")
    return f"{folder}\n" + "".join(lines)


def _topics(config: Config) -> dict[str, Any]:
    """Ends of our topics, and what the job has committed of the tracing topic."""
    from confluent_kafka import Consumer, TopicPartition

    settings = config.settings
    ours: dict[str, Any] = {"group.id": settings.application_id, "enable.auto.commit": False, "log_level": 0}
    consumer = Consumer({**to_librdkafka(config.consumer_properties()), **ours})
    found: dict[str, Any] = {}
    try:
        cluster = consumer.list_topics(timeout=_TIMEOUT_S)
        found["brokers"] = len(cluster.brokers)
        for topic in (settings.tracing_topic, *settings.output_topics()):
            if topic not in cluster.topics:
                found[topic] = "is not there"
                continue
            places = [TopicPartition(topic, number) for number in cluster.topics[topic].partitions]
            ranges = {one.partition: consumer.get_watermark_offsets(one, timeout=_TIMEOUT_S) for one in places}
            found[topic] = {"ranges": ranges}
            if topic == settings.tracing_topic:
                committed = {one.partition: one.offset for one in consumer.committed(places, timeout=_TIMEOUT_S)}
                found[topic] |= {"committed": committed, "lag": lag_of(ranges, committed)._asdict()}
    finally:
        consumer.close()
    return found


def _asked(config: Config, path: str) -> str:
    settings = config.settings
    headers = {"Authorization": f"Bearer {settings.metrics_token.partition(',')[0]}"} if settings.metrics_token else {}
    verify: str | bool = settings.metrics_ca_file or True
    return requests.get(address_of(settings) + path, headers=headers, timeout=_TIMEOUT_S, verify=verify).text


def _flink(config: Config, path: str) -> str:
    place = locate(config.settings)
    if place is None:
        return "No job is to be seen.\n"
    rest, job = place
    return _json(rest.get(f"/jobs/{job}{path}"))
