"""Where the runs take place: a broker, a folder, and the traces that every run reads."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.generate import Traffic
from bench.preload import create_topics, preload
from pipeline.config.settings import OUTPUT_TOPICS, Settings, property_name
from runners.kafka.broker import Broker


@dataclass(frozen=True)
class Bed:
    """`traffic` is preloaded in the tracing topic; each run gets names of its own for all else, and `overrides`."""

    servers: str
    folder: Path
    traffic: Traffic
    traces: int
    say: Callable[[str], None]
    overrides: Mapping[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def settings(self, tracing: str | None = None) -> dict[str, str]:
        """Settings of a new run, its output topics made; `tracing`, if it is not the preloaded topic, is made too."""
        number = next(self._numbers)
        defaults = Settings()
        outputs = {property_name(topic): f"{getattr(defaults, topic)}-{number}" for topic in OUTPUT_TOPICS}
        create_topics(self.servers, tracing, outputs.values())
        return {
            "bootstrap.servers": self.servers,
            "application.id": f"bench-{number}",
            "state.dir": str(self.folder / "state"),
            "tracing.topic": tracing or defaults.tracing_topic,
            "metrics.port": "0",
            **outputs,
            **self.overrides,
        }

    def run_folder(self, settings: dict[str, str]) -> Path:
        """A folder for one run."""
        folder = self.folder / settings["application.id"]
        folder.mkdir()
        return folder


@contextmanager
def test_bed(traffic: Traffic, overrides: Mapping[str, str], say: Callable[[str], None]) -> Iterator[Bed]:
    """A broker with the traffic in its tracing topic, for as long as the block runs; nothing of it stays."""
    with TemporaryDirectory(prefix="tracing-aggregator-bench-", ignore_cleanup_errors=True) as folder:
        path = Path(folder)
        say("Starting a broker …")
        with Broker(path / "broker") as broker:
            servers, topic = broker.bootstrap_servers, Settings().tracing_topic
            create_topics(servers, topic, ())
            expected = traffic.outputs
            began = time.monotonic()
            traces = preload(servers, topic, traffic.traces(), lambda done: say(f"Preloading: {done} of {expected} …"))
            say(
                f"{traces} traces of {traffic.messages} messages are in {topic} after {time.monotonic() - began:.0f} s."
            )
            yield Bed(servers, path, traffic, traces, say, overrides)
