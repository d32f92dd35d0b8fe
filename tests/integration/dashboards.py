"""For tests: the dashboard as a user starts it, in a process of its own, and what its API answers."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.integration.aggregations import command
from tests.integration.flink_processes import ROOT, wait_until

READ_S = 60


class Dashboard:
    """`tracing-aggregator dashboard` with this configuration, on a free port; its store is below `state.dir`."""

    def __init__(self, folder: Path, given: dict[str, str]) -> None:
        self.log = folder / "dashboard.log"
        self.address = ""
        self._command = command("dashboard", "--port=0", given=given)

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self._command, cwd=ROOT, stderr=log)
        wait_until(lambda: "Dashboard: " in self.log.read_text() or self.process.poll() is not None, READ_S)
        found = re.search(r"Dashboard: (\S+)/", self.log.read_text())
        assert found, self.log.read_text()
        self.address = found[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()

    def get(self, name: str, **words: object) -> Any:
        """The answer of `/api/<name>`."""
        with urlopen(f"{self.address}/api/v1/{name}?{urlencode(words)}", timeout=20) as answer:  # noqa: S310  our own page
            return json.load(answer)

    def wait_until_all_is_read(self) -> None:
        wait_until(self._has_read_all, READ_S, self.log.read_text)

    def _has_read_all(self) -> bool:
        health = self.get("health")
        topics = health["topics"]
        return health["reading"]["state"] == "following" and topics != [] and sum(one["lag"] for one in topics) == 0
