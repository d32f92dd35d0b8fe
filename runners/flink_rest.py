"""Flink's REST interface: the job's state, why it failed, and savepoints."""

import json
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT_S = 10
POLL_S = 0.2


class FlinkError(Exception):
    """Flink did not answer, or refused. The message says what was asked and what it said."""


class FlinkRest:
    """One Flink at `host:port`."""

    def __init__(self, address: str) -> None:
        self.address = address

    def state(self, job: str) -> str | None:
        """`CREATED`, `RUNNING`, `RESTARTING`, `FAILED`, …; None when Flink does not know the job or does not answer."""
        try:
            return str(self._call(f"/jobs/{job}")["state"])
        except FlinkError:
            return None

    def jobs(self) -> list[tuple[str, str, str]]:
        """All jobs it knows as (id, name, state), newest first."""
        found = self._call("/jobs/overview")["jobs"]
        found.sort(key=lambda job: job["start-time"], reverse=True)
        return [(job["jid"], job["name"], job["state"]) for job in found]

    def is_processing(self, job: str) -> bool:
        """Whether every task of the job runs: only then do checkpoints and savepoints succeed."""
        try:
            detail = self._call(f"/jobs/{job}")
        except FlinkError:
            return False
        return detail["state"] == "RUNNING" and all(vertex["status"] == "RUNNING" for vertex in detail["vertices"])

    def newest_checkpoint(self, job: str) -> int:
        """The number of the newest checkpoint of the job that is complete; 0 before the first one."""
        newest = self._call(f"/jobs/{job}/checkpoints")["latest"]["completed"]
        return int(newest["id"]) if newest else 0

    def newest_checkpoint_path(self, job: str) -> str:
        """The URI of the newest checkpoint, or savepoint, of the job; empty when Flink knows no such job, or none."""
        try:
            newest = self._call(f"/jobs/{job}/checkpoints")["latest"]
        except FlinkError:
            return ""
        found = [newest[kind] for kind in ("completed", "savepoint") if newest[kind]]
        return str(max(found, key=lambda one: one["id"])["external_path"]) if found else ""

    def configuration(self) -> dict[str, str]:
        """The configuration of the JobManager."""
        entries: Any = self._call("/jobmanager/config")  # a list, where all else that we ask for is an object
        return {entry["key"]: entry["value"] for entry in entries}

    def slots(self) -> int:
        """How many slots the TaskManagers have that are there now."""
        return int(self._call("/overview")["slots-total"])

    def last_failure(self, job: str) -> tuple[int, str]:
        """When the job last failed (epoch ms by Flink's clock) and its innermost cause; (0, "") if never or unknown."""
        try:
            entries = self._call(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
        except FlinkError:
            return 0, ""
        return (entries[0]["timestamp"], innermost(entries[0]["stacktrace"])) if entries else (0, "")

    def savepoint_and_cancel(self, job: str, target: str | None, within_s: float) -> str:
        """Takes a savepoint below `target` (a URI; None: Flink's own place), then cancels the job; returns its URI.

        Never Flink's own "stop": that ends the Kafka read first, which sends the end of time through the pipeline, so
        that every hold and the retention of every message would be over in the state that is saved.
        """
        request = {"target-directory": target, "cancel-job": True, "formatType": "NATIVE"}
        trigger = self._call(f"/jobs/{job}/savepoints", request)["request-id"]
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            answer = self._call(f"/jobs/{job}/savepoints/{trigger}")
            if answer["status"]["id"] == "COMPLETED":
                operation = answer["operation"]
                if "failure-cause" in operation:
                    cause = innermost(operation["failure-cause"]["stack-trace"])
                    raise FlinkError(f"The savepoint of job {job} failed: {cause}")
                return str(operation["location"])
            time.sleep(POLL_S)
        raise FlinkError(f"The savepoint of job {job} was not complete after {within_s:g} s.")

    def cancel(self, job: str) -> None:
        """Cancels the job. Its retained checkpoints stay."""
        self._call(f"/jobs/{job}", method="PATCH")

    def get(self, path: str) -> Any:
        """What Flink answers at a path of its REST interface; raises `FlinkError` if it does not."""
        return self._call(path)

    def _call(self, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://{self.address}{path}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                return cast("dict[str, Any]", json.load(response))
        except HTTPError as error:
            raise FlinkError(f"Flink at {self.address} refused {path}: {_refusal(error)}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise FlinkError(f"Flink at {self.address} does not answer {path}: {error}") from error


def innermost(stacktrace: str) -> str:
    """The last `Caused by:` of a Java stack trace, else its first line, without the frames."""
    lines = stacktrace.strip().splitlines()
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes or lines or [""])[-1 if causes else 0].strip()


def _refusal(error: HTTPError) -> str:
    try:
        first = json.loads(error.read())["errors"][-1]
    except (OSError, ValueError, KeyError, IndexError):
        return str(error)
    return innermost(str(first))
