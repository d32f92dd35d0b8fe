"""For tests: the pipeline as a user starts it, on each runner, and what remains of its outputs when all is over."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.integration.flink_processes import ROOT, records, wait_until

Value = dict[str, Any]
LONGEST_S = 240
# Short enough to wait for, and longer than traffic lasts.
WAITS = {
    "hold.send.ms": "4000",
    "hold.ack.ms": "4000",
    "hold.consume.ms": "4000",
    "hold.commit.ms": "4000",
    "commit.reorder.ms": "1000",
    "unacked.ms": "5000",
    "retention.ms": "90000",
}
TRACES, FINDINGS, LETTERS = "aggregated.topic", "anomaly.topic", "dead.letter.topic"


class Outcome(NamedTuple):
    """What a run has written: final traces and open findings by id (key, value), and dead letters by source."""

    traces: dict[str, tuple[Value, Value]]
    findings: dict[str, Value]
    letters: dict[tuple[int, int], Value]

    def of(self, kind: str) -> list[Value]:
        return [value for _, value in self.traces.values() if value["type"] == kind]


def settings(servers: str, name: str, folder: Path, **more: str) -> dict[str, str]:
    """A configuration of its own for the run of this name: group, state, topics."""
    own = {TRACES: f"{name}-traces", FINDINGS: f"{name}-findings", LETTERS: f"{name}-letters"}
    identity = {"bootstrap.servers": servers, "application.id": name, "state.dir": str(folder / "state")}
    return (
        identity
        | own
        | {"stats.topic": f"{name}-stats"}
        | WAITS
        | {key.replace("_", "."): value for key, value in more.items()}
    )


def command(name: str, *arguments: str, given: dict[str, str]) -> list[str]:
    overrides = [part for key, value in given.items() for part in ("-o", f"{key}={value}")]
    return [sys.executable, "-m", "tracing_aggregator.cli.main", name, *arguments, *overrides]


def tracing_aggregator(name: str, *arguments: str, given: dict[str, str]) -> str:
    """Runs a command to its end and returns what it said; it must succeed."""
    ended = subprocess.run(
        command(name, *arguments, given=given), cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def directly(given: dict[str, str]) -> Outcome:
    tracing_aggregator("topics", given=given)
    tracing_aggregator("run", "--runner=direct", given=given)
    return in_kafka(given)


def replayed(given: dict[str, str], folder: Path, *files: Path) -> Outcome:
    out = folder / "replayed"
    tracing_aggregator("replay", *map(str, files), "--output", str(out), given=given)
    lines = {topic: (out / f"{given[topic]}.jsonl").read_text().splitlines() for topic in (TRACES, FINDINGS, LETTERS)}
    pairs = {
        topic: [((record := json.loads(line))["key"], record["payload"]) for line in lines[topic]] for topic in lines
    }
    return outcome(pairs[TRACES], pairs[FINDINGS], pairs[LETTERS])


def in_kafka(given: dict[str, str]) -> Outcome:
    """What is in the output topics now."""
    pairs = (
        [(record.key(), record.value()) for record in records(given["bootstrap.servers"], given[topic])]
        for topic in (TRACES, FINDINGS, LETTERS)
    )
    return outcome(*pairs)


def outcome(traces: Iterable, findings: Iterable, letters: Iterable) -> Outcome:
    """Per id the highest revision, withdrawn and resolved ones removed, the revision number aside."""
    newest: dict[str, tuple[Value, Value]] = {}
    for key, value in ((json.loads(key), json.loads(value)) for key, value in traces):
        known = newest.get(value["id"])
        if known is None or known[1].get("revision", 1) <= value.get("revision", 1):
            newest[value["id"]] = key, value
    return Outcome(
        {
            name: (key, {field: fact for field, fact in value.items() if field != "revision"})
            for name, (key, value) in newest.items()
            if not value.get("withdrawn")
        },
        open_findings(json.loads(value) for _, value in findings),
        {(letter["partition"], letter["offset"]): letter for letter in whole_letters(letters)},
    )


def open_findings(found: Iterable[Value]) -> dict[str, Value]:
    found = list(found)
    resolved = {finding["id"] for finding in found if finding.get("resolved")}
    return {finding["id"]: finding for finding in found if finding["id"] not in resolved}


def whole_letters(letters: Iterable) -> list[Value]:
    """Dead letters with their original bytes, the parts of large ones put together; no letter may be there twice."""
    whole: dict[tuple[int, int], Value] = {}
    seen = set()
    for letter in sorted((json.loads(value) for _, value in letters), key=lambda letter: letter.get("part", 1)):
        assert letter["id"] not in seen, f"twice: {letter['id']}"
        seen.add(letter["id"])
        place = letter["partition"], letter["offset"]
        known = whole.setdefault(place, {**letter, "key": None, "value": None})
        for field in ("key", "value"):
            if letter[field] is not None:
                known[field] = (known[field] or b"") + base64.b64decode(letter[field])
    return list(whole.values())


class OnFlink:
    """`run` on embedded Flink, in a process of its own; `log` gets what it says. A context manager."""

    def __init__(self, given: dict[str, str], log: Path, *arguments: str) -> None:
        self.given = given
        self.log = log
        self._arguments = arguments

    def __enter__(self) -> Self:
        tracing_aggregator("topics", given=self.given)
        line = command("run", "--runner=flink", *self._arguments, given=self.given)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(line, cwd=ROOT, stderr=log, env={**os.environ})
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def wait_until(self, true, within_s: float = LONGEST_S) -> Outcome:
        """What is in the output topics once `true` of it."""
        found = [in_kafka(self.given)]

        def is_there() -> bool:
            time.sleep(1)  # it reads whole topics
            assert self._process.poll() is None, self.said()
            found.append(in_kafka(self.given))
            return true(found[-1])

        wait_until(is_there, within_s, lambda: f"{self.said()}\n{summary(found[-1])}")
        return found[-1]

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(90) == 0, self.said()

    def said(self) -> str:
        return self.log.read_text()


def summary(found: Outcome) -> str:
    return f"{len(found.traces)} traces, {len(found.findings)} findings, {len(found.letters)} dead letters"
