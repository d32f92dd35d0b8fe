"""Real Java producers and consumers with the real tracing interceptors, each one a process: genuine traces.

They are Kafka's own verifiable clients, which print what they did as JSON lines. So a test can compare what the
pipeline says about a message with what the client itself says about it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from runners.java.find_java import find_java
from runners.java.jars import resolve
from runners.java.java_process import JavaProcess, JavaProcessError

INTERCEPTORS = "org.ianitrix.kafka.interceptors"
# Short-lived, small and many: C1 and the serial collector keep each below 120 MB.
OPTIONS = (
    "-Xmx64m",
    "-Xshare:auto",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
WAIT_S = 60

C = TypeVar("C", bound="Client")


class Produced(NamedTuple):
    """A message that the broker acknowledged, as its producer saw it."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: str


class Consumed(NamedTuple):
    """A message that a consumer was given."""

    topic: str
    partition: int
    offset: int


class Committed(NamedTuple):
    """A successful commit; `offset` is the next one to read, as Kafka counts."""

    topic: str
    partition: int
    offset: int


class Client:
    """A running client: `process` is its JVM, `output` the JSON lines that it prints."""

    def __init__(self, process: JavaProcess, output: Path) -> None:
        self.process = process
        self.output = output

    def events(self, name: str) -> list[Any]:
        """The lines called `name` that it has printed so far, as dicts, in order; half a line is left for later."""
        lines = self.output.read_bytes().splitlines(keepends=True)
        events = (json.loads(line) for line in lines if line.endswith(b"\n"))
        return [event for event in events if event["name"] == name]

    def wait(self, within_s: float = WAIT_S) -> None:
        """Returns once a client with a `count` has done that and ended; `JavaProcessError` otherwise."""
        if code := self.process.wait(within_s):
            raise JavaProcessError(f"{self.process.name} ended with exit code {code}.", self.process.tail())

    def stop(self) -> None:
        """An orderly end: messages and traces are flushed, the group is left. Harmless when it is over."""
        self.process.stop()

    def kill(self) -> None:
        """A crash: traces not yet sent are lost, and its group notices only when the session is over."""
        self.process.kill()


class Producer(Client):
    """A running producer."""

    def produced(self) -> list[Produced]:
        """What the broker has acknowledged so far."""
        fields = ("topic", "partition", "offset", "key", "value")
        return [Produced(*(event[field] for field in fields)) for event in self.events("producer_send_success")]


class Consumer(Client):
    """A running consumer."""

    def wait_for(self, messages: int, within_s: float = WAIT_S) -> None:
        """Returns once it has been given so many messages, 0: once it has partitions. `JavaProcessError` otherwise."""
        self.process.wait_until(
            lambda: len(self.consumed()) >= messages if messages else bool(self.events("partitions_assigned")), within_s
        )

    def consumed(self) -> list[Consumed]:
        """The messages that it has been given so far."""
        return [Consumed(*(event[field] for field in Consumed._fields)) for event in self.events("record_data")]

    def committed(self) -> list[Committed]:
        """Its successful commits so far; with automatic commits it does not know them."""
        events = self.events("offsets_committed")
        offsets = (offset for event in events if event["success"] for offset in event["offsets"])
        return [Committed(*(offset[field] for field in Committed._fields)) for offset in offsets]


class Clients:
    """Starts clients of one cluster. Leaving it as a context manager stops them all.

    `folder` takes their settings, logs (`<client id>.log`) and output (`<client id>.jsonl`). `properties` are Kafka
    client properties for all of them, security for instance. `keep_output=False` is for traffic that may run for days:
    nothing is known of it then. `jars` and `java` default to those that are found.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        folder: Path,
        properties: Mapping[str, str] | None = None,
        *,
        keep_output: bool = True,
        jars: Sequence[Path] | None = None,
        java: Path | None = None,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._folder = folder
        self._properties = dict(properties or {})
        self._keep_output = keep_output
        self._jars = jars or resolve("clients")
        self._java = java or find_java()
        self._started: list[Client] = []

    def producer(
        self,
        client_id: str,
        topic: str,
        *,
        rate: int = -1,
        count: int = -1,
        keys: int = 0,
        properties: Mapping[str, str] | None = None,
        traced: bool = True,
    ) -> Producer:
        """Starts a producer of the values 0, 1, 2 and so on.

        `rate` is in messages per second and `count` a number of messages, both unlimited at -1; `keys` different keys
        take turns, 0: no key.
        """
        own = {"interceptor.classes": f"{INTERCEPTORS}.ProducerTracingInterceptor"} if traced else {}
        file = self._settings(client_id, own | dict(properties or {}))
        arguments = ["--topic", topic, "--throughput", rate, "--max-messages", count, "--producer.config", file]
        if keys:
            arguments += ["--repeating-keys", keys]
        return self._start(Producer, client_id, "VerifiableProducer", arguments)

    def consumer(
        self,
        client_id: str,
        topic: str,
        group: str,
        *,
        count: int = -1,
        auto_commit: bool = False,
        properties: Mapping[str, str] | None = None,
        traced: bool = True,
    ) -> Consumer:
        """Starts a consumer that reads from the earliest message and ends after `count` messages, never at -1.

        It commits each batch before it asks for the next, or, with `auto_commit`, every `auto.commit.interval.ms`.
        """
        own = {"interceptor.classes": f"{INTERCEPTORS}.ConsumerTracingInterceptor"} if traced else {}
        file = self._settings(client_id, own | dict(properties or {}))
        arguments = ["--topic", topic, "--group-id", group, "--max-messages", count, "--consumer.config", file]
        arguments += ["--verbose", *(["--enable-autocommit"] if auto_commit else [])]
        return self._start(Consumer, client_id, "VerifiableConsumer", arguments)

    def stop(self) -> None:
        """Stops all that it started, all at once."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Client.stop, self._started))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _settings(self, client_id: str, properties: Mapping[str, str]) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{client_id}.properties"
        file.touch(mode=0o600)  # the properties may hold passwords
        settings = {"client.id": client_id, **self._properties, **properties}
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        return file

    def _start(self, kind: type[C], client_id: str, main: str, arguments: Sequence[object]) -> C:
        output = self._folder / f"{client_id}.jsonl" if self._keep_output else Path(os.devnull)
        process = JavaProcess(
            f"Client {client_id}",
            java=self._java,
            jars=self._jars,
            main=f"org.apache.kafka.tools.{main}",
            arguments=[*map(str, arguments), "--bootstrap-server", self._bootstrap_servers],
            options=OPTIONS,
            log=self._folder / f"{client_id}.log",
            stdout=output,
            fast_start=True,
        )
        client = kind(process, output)
        self._started.append(client)
        return client
