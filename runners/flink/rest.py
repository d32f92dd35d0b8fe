"""Flink's REST interface: the job's state, why it failed, and savepoints."""

import secrets
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from pipeline.config.settings import Settings
from runners.java import key_stores

TIMEOUT_S = 10
POLL_S = 0.2
#: Flink's own default is the last alone, which today's clients refuse, ours in Python too.
SUITES = (
    *(f"TLS_ECDHE_{key}_WITH_AES_256_GCM_SHA384" for key in ("ECDSA", "RSA")),
    *(f"TLS_ECDHE_{key}_WITH_AES_128_GCM_SHA256" for key in ("ECDSA", "RSA")),
    "TLS_RSA_WITH_AES_128_CBC_SHA",
)


class Access(NamedTuple):
    """How a REST interface is spoken to: by TLS, whom we trust, who we are."""

    tls: bool = False
    #: PEM file of authorities; empty: the usual ones.
    ca_file: str = ""
    #: PEM file with our certificate and key; empty: none.
    cert_file: str = ""
    user: str = ""
    password: str = ""
    token: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Access":
        """As `flink.rest.*` say."""
        return cls(
            settings.flink_rest_tls,
            settings.flink_rest_ca_file,
            settings.flink_rest_cert_file,
            settings.flink_rest_user,
            settings.flink_rest_password,
            settings.flink_rest_token,
        )

    def configuration(self, folder: Path) -> dict[str, str]:
        """What Flink's own client needs to speak to it by TLS; its stores are written to `folder`. Empty without."""
        if not self.tls:
            return {}
        password = secrets.token_hex(16)  # of copies of what lies there in PEM anyway
        trusted = key_stores.truststore(
            Path(self.ca_file or DEFAULT_CA_BUNDLE_PATH), folder / "rest-trusted.p12", password
        )
        found = {
            "security.ssl.rest.enabled": "true",
            "security.ssl.algorithms": ",".join(SUITES),
            "security.ssl.rest.truststore": str(trusted),
            "security.ssl.rest.truststore-password": password,
        }
        if self.cert_file:
            own = key_stores.keystore(Path(self.cert_file), folder / "rest-own.p12", password)
            found |= {
                "security.ssl.rest.authentication-enabled": "true",
                "security.ssl.rest.keystore": str(own),
                "security.ssl.rest.keystore-password": password,
                "security.ssl.rest.key-password": password,
            }
        return found

    def session(self) -> requests.Session:
        """A session that presents all of it."""
        session = requests.Session()
        session.cert = self.cert_file or None
        if self.token:
            session.headers["Authorization"] = f"Bearer {self.token}"
        elif self.user:
            session.auth = (self.user, self.password)
        return session


class FlinkError(Exception):
    """Flink did not answer, or refused. The message says what was asked and what it said."""


class SavepointTimeoutError(FlinkError):
    """A savepoint was not complete in time. Flink goes on with it, and then ends the job; `path` is where it tells."""

    def __init__(self, job: str, within_s: float, path: str) -> None:
        super().__init__(f"The savepoint of job {job} was not complete after {within_s:g} s.")
        self.path = path


class FlinkRest:
    """One Flink at `host:port`. May be used by one thread at a time."""

    def __init__(self, address: str, access: Access = Access()) -> None:  # noqa: B008 - a tuple
        self.address = address
        self.url = f"{'https' if access.tls else 'http'}://{address}"
        self._session = access.session()
        # With each request: a variable of the environment (REQUESTS_CA_BUNDLE) would be stronger than the session.
        self._verify: str | bool = access.ca_file or True

    @classmethod
    def of(cls, settings: Settings) -> "FlinkRest":
        """The cluster at `flink.master`, as `flink.rest.*` say."""
        return cls(settings.flink_master, Access.of(settings))

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

    def tasks(self, job: str) -> Counter[str]:
        """How many tasks of the job are in each state; empty when Flink does not know it or does not answer."""
        try:
            vertices = self._call(f"/jobs/{job}")["vertices"]
        except FlinkError:
            return Counter()
        return sum((Counter(vertex["tasks"]) for vertex in vertices), Counter())

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

        Not Flink's own stop, which ends Beam's Java read of Kafka (`kafka.io=java`): that sends the end of time through
        the pipeline, so that every wait would be over in the state that is saved.
        """
        request = {"target-directory": target, "cancel-job": True, "formatType": "NATIVE"}
        return self._saved(job, f"/jobs/{job}/savepoints", request, within_s)

    def stop_with_savepoint(self, job: str, target: str, within_s: float) -> str:
        """Flink's own stop: a savepoint below `target` (a URI), then the end of the job; returns its URI."""
        request = {"targetDirectory": target, "drain": False, "formatType": "NATIVE"}
        return self._saved(job, f"/jobs/{job}/stop", request, within_s)

    def _saved(self, job: str, path: str, request: Mapping[str, Any], within_s: float) -> str:
        trigger = self._call(path, request)["request-id"]
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
        raise SavepointTimeoutError(job, within_s, f"/jobs/{job}/savepoints/{trigger}")

    def cancel(self, job: str) -> None:
        """Cancels the job. Its retained checkpoints stay."""
        self._call(f"/jobs/{job}", method="PATCH")

    def get(self, path: str) -> Any:
        """What Flink answers at a path of its REST interface; raises `FlinkError` if it does not."""
        return self._call(path)

    def _call(self, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> dict[str, Any]:
        asked = method or ("GET" if body is None else "POST")
        try:
            # A redirect could lead elsewhere with our login.
            answer = self._session.request(
                asked, self.url + path, json=body, timeout=TIMEOUT_S, allow_redirects=False, verify=self._verify
            )
            if answer.ok and not answer.is_redirect:
                return cast("dict[str, Any]", answer.json() if answer.content else {})
        except (OSError, ValueError) as error:  # what requests raises is an OSError
            raise FlinkError(f"Flink at {self.address} does not answer {path}: {error}") from error
        raise FlinkError(f"Flink at {self.address} refused {path}: {_refusal(answer)}")


def innermost(stacktrace: str) -> str:
    """The last `Caused by:` of a Java stack trace, else its first line, without the frames."""
    lines = stacktrace.strip().splitlines()
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes or lines or [""])[-1 if causes else 0].strip()


def _refusal(answer: requests.Response) -> str:
    try:
        return innermost(str(answer.json()["errors"][-1]))
    except (ValueError, KeyError, IndexError, TypeError):
        return f"{answer.status_code} {answer.reason}"
