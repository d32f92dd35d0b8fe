"""For tests: a real OpenSearch node on loopback, from the jars of `tests/jars.lock`."""

import time
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import requests

from runners.java.find_java import find_java
from runners.java.java_process import JavaProcess
from runners.ports import free_ports
from tests.integration.java_of_ours import compiled

START_S = 180
PATIENCE = 50


class SearchServer:
    """Runs inside the block, with its data, classes and log in `folder`; it can be stopped and started again there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._java = find_java()
        self._ports = [str(port) for port in free_ports(2)]
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        self._process: JavaProcess | None = None

    def start(self) -> None:
        self._process = JavaProcess(
            "OpenSearch",
            java=self._java,
            jars=compiled("SearchServer", "opensearch", self._folder),
            main="SearchServer",
            arguments=[str(self._folder), *self._ports],
            options=["-Xmx400m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
            log=self._folder / "opensearch.log",
        )
        self._process.wait_until(self._answers, START_S)

    def stop(self) -> None:
        if self._process:
            self._process.stop()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        for _ in range(PATIENCE):
            answer = requests.request(method, self.url + path, json=body, timeout=30)
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:  # an index that is being made
                break
            time.sleep(0.2)
        assert answer.ok, answer.text
        return answer.json()

    def search(self, index: str, **body: Any) -> Any:
        """The answer to a search, of what was written until now."""
        self.ask("POST", f"/{index}/_refresh")
        return self.ask("POST", f"/{index}/_search", {"size": 1000, "track_total_hits": True, **body})

    def documents(self, index: str, **body: Any) -> dict[str, Any]:
        """Documents by `_id`; none where there is no such index."""
        return {hit["_id"]: hit["_source"] for hit in self.search(index, **body)["hits"]["hits"]}

    def _answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/_cluster/health", timeout=5).ok
        return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
