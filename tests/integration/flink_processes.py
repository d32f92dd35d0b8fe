"""For tests: a run in a process of its own, all processes below it, and what is in a topic."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Self

from confluent_kafka import Consumer, Producer, TopicPartition

from runners.kafka.positions import bounds

LISTENS = "0A"
#: 127.0.0.1, as such and in IPv6, and ::1, as Linux writes them.
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
HERE = Path(__file__).parent
ROOT = HERE.parent.parent


class PairsRun:
    """`pairs.py` with these settings; its stderr is in `log`."""

    def __init__(self, log: Path, settings: dict[str, str]) -> None:
        self.log = log
        self._settings = settings

    def __enter__(self) -> Self:
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}
        arguments = [f"{name}={value}" for name, value in self._settings.items()]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "pairs.py"), *arguments], stderr=log, env=environ
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait_for(self, text: str, times: int = 1, within_s: float = 150) -> None:
        wait_until(lambda: self.said().count(text) >= times or self.process.poll() is not None, within_s, self.said)
        assert self.said().count(text) >= times, self.said()

    def said(self) -> str:
        return self.log.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(90)

    def below(self) -> dict[int, str]:
        """Command lines of all processes below it, by pid."""
        return descendants(self.process.pid)

    def jvm(self) -> int:
        return next(pid for pid, command in self.below().items() if command.split()[0].endswith("java"))

    def workers(self) -> list[int]:
        return [pid for pid, command in self.below().items() if "runners.worker" in command]


def descendants(root: int) -> dict[int, str]:
    found: dict[int, str] = {}
    parents = {root}
    listing = subprocess.run(["/bin/ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    while parents:
        children = {int(row[0]): row[2] for row in rows if int(row[1]) in parents}
        found |= children
        parents = set(children)
    return found


def listening(pids) -> list[str]:
    """Addresses that these processes listen at, but for ports on loopback."""
    inodes = set()
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                inodes.add(str(file.readlink()))
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = row.split()
            if state == LISTENS and f"socket:[{rest[5]}]" in inodes:
                found.append(local)
    assert found, "none of them listens"
    return [address for address in found if address.partition(":")[0] not in LOOPBACK]


def is_alive(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].startswith(" Z")
    except FileNotFoundError:
        return False


def wait_until(true, within_s: float, otherwise=lambda: "") -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not within {within_s:g} s\n{otherwise()}"
        time.sleep(0.2)


def produce(servers: str, topic: str, keys, half: bytes, partition: int = -1) -> None:
    producer = Producer({"bootstrap.servers": servers})
    for key in keys:
        producer.produce(topic, half, key, partition=partition)
    assert producer.flush(30) == 0


def outcomes(servers: str, topic: str) -> dict[str, Counter]:
    """What has left for each pair, and how often."""
    found: dict[str, Counter] = {}
    for record in records(servers, topic):
        found.setdefault(record.key().decode(), Counter())[record.value().decode()] += 1
    return found


def records(servers: str, topic: str) -> list:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "reader", "enable.auto.commit": False})
    found = []
    try:
        for index in consumer.list_topics(topic, timeout=15).topics[topic].partitions:
            low, high = bounds(consumer, topic, index)
            consumer.assign([TopicPartition(topic, index, low)])
            while low < high:
                record = consumer.poll(15)
                assert record is not None, f"{topic}/{index} gave nothing at {low} of {high}"
                low = record.offset() + 1
                found.append(record)
    finally:
        consumer.close()
    return found
