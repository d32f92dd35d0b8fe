"""A real Kafka broker (KRaft, one node) as a child process, for development, the demo and tests.

It listens on loopback alone. Its data, settings and log are in one folder; started there again, it goes on where
it was, after a kill as well. Durable it is not: one node, one copy, flushed when the kernel sees fit.
"""

import fcntl
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from pipeline.errors import UserError
from runners.java.find_java import find_java
from runners.java.jars import resolve
from runners.java.java_process import JavaProcess
from runners.ports import free_ports

START_S = 60
HOST = "127.0.0.1"
# A small heap is enough for one user; C1 and the serial collector start fastest on few cores.
OPTIONS = (
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
STARTED = b"Kafka Server started"
DEFAULTS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENT",
    # One node, so one replica of everything, and few partitions of what nobody looks at.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # After a kill the new one may only register when the session of the old one is over: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # A first consumer gets its partitions at once.
    "group.initial.rebalance.delay.ms": "0",
    # The default of 128 MB would be half of the heap.
    "log.cleaner.dedupe.buffer.size": str(4 << 20),
    "num.io.threads": "4",
    "num.network.threads": "2",
}


class BrokerError(UserError):
    """The broker cannot run here: its port is taken, or its folder in use."""


class Broker:
    """A broker that runs between `start` and `stop`; as a context manager, inside the block.

    `data_dir` is made and formatted if it is new. Without `port` a free one is taken at construction and kept over
    restarts. `properties` are added to the server's; the listener for clients is called `CLIENT`, so that
    `{"listener.security.protocol.map": "CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT", …}` secures it; `listeners` are further
    ones by name, with their ports. `scram` are users and their passwords (SCRAM-SHA-512), which only a new folder takes
    in. `jars` and `java` default to those that `runners.java.jars` and `runners.java.find_java` find.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        properties: Mapping[str, str] | None = None,
        *,
        listeners: Mapping[str, int] | None = None,
        scram: Mapping[str, str] | None = None,
        jars: Sequence[Path] | None = None,
        java: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port or free_ports(1)[0]
        self.log = self.data_dir / "broker.log"
        self._properties = dict(properties or {})
        self._listeners = {"CLIENT": self.port, **(listeners or {})}
        self._scram = dict(scram or {})
        self._jars = jars
        self._java = java
        self._process: JavaProcess | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect: `127.0.0.1:PORT`."""
        return f"{HOST}:{self.port}"

    @property
    def process(self) -> JavaProcess:
        """The running JVM; `BrokerError` before `start`."""
        if self._process is None:
            raise BrokerError("The broker is not running.", "Call start() first.")
        return self._process

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        return self.process.pid

    def start(self) -> None:
        """Starts it and returns when clients can connect.

        Raises `BrokerError` (port or folder taken) or `JavaProcessError` (it ended, or was not ready in 60 s), and
        what `resolve` and `find_java` raise.
        """
        self._check_port()
        self._check_folder()
        server_properties = self._write_properties()
        if not (self._log_dir / "meta.properties").exists():
            self._format(server_properties)
        written = self.log.stat().st_size if self.log.exists() else 0
        self._process = self._java_process("Kafka", "kafka.Kafka", str(server_properties))
        self._process.wait_until(lambda: STARTED in self.log.read_bytes()[written:], START_S)

    def stop(self) -> None:
        """An orderly end (SIGTERM; SIGKILL after 15 s). Harmless when it does not run."""
        if self._process:
            self._process.stop()

    def kill(self) -> None:
        """SIGKILL, as a crash would: for tests of what survives one."""
        self.process.kill()

    def restart(self) -> None:
        """Stops it if it runs, and starts it with the same port, data and properties."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _log_dir(self) -> Path:
        return self.data_dir / "log"

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                raise BrokerError(
                    f"Cannot listen on {self.bootstrap_servers}: {error.strerror}. Perhaps a broker runs there.",
                    "Take another port: tracing-aggregator broker --port 9192",
                ) from error

    def _check_folder(self) -> None:
        """A broker holds a lock on its folder while it runs; this only looks whether one is held."""
        lock = self._log_dir / ".lock"
        if not lock.exists():
            return
        with lock.open("r+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BrokerError(
                    f"Another broker is using the data in {self.data_dir}.",
                    "Stop it, or take another folder: tracing-aggregator broker --data DIR",
                ) from error

    def _write_properties(self) -> Path:
        controller = f"{HOST}:{free_ports(1)[0]}"
        clients = ",".join(f"{name}://{HOST}:{port}" for name, port in self._listeners.items())
        settings = DEFAULTS | {
            "listeners": f"{clients},CONTROLLER://{controller}",
            "controller.quorum.voters": f"{DEFAULTS['node.id']}@{controller}",
            "log.dirs": str(self._log_dir),
        }
        self.data_dir.mkdir(parents=True, exist_ok=True)
        file = self.data_dir / "server.properties"
        file.touch(mode=0o600)  # the properties may hold passwords
        file.write_text("".join(f"{key}={value}\n" for key, value in (settings | self._properties).items()))
        return file

    def _format(self, server_properties: Path) -> None:
        # A Kafka uuid is 16 bytes in URL-safe base64; a leading dash would look like an option.
        cluster = "A" + secrets.token_urlsafe(16)[1:]
        users = [f"--add-scram=SCRAM-SHA-512=[name={name},password={word}]" for name, word in self._scram.items()]
        arguments = ["format", "-t", cluster, "-c", str(server_properties), *users]
        with self._java_process("Formatting the broker's folder", "kafka.tools.StorageTool", *arguments) as process:
            if process.wait(START_S):
                raise BrokerError(f"Cannot format {self.data_dir}.", process.tail())

    def _java_process(self, name: str, main: str, *arguments: str) -> JavaProcess:
        self._jars = self._jars or resolve("broker")
        self._java = self._java or find_java()
        return JavaProcess(
            name,
            java=self._java,
            jars=self._jars,
            main=main,
            arguments=arguments,
            options=OPTIONS,
            log=self.log,
            fast_start=True,
        )
