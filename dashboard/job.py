"""How the pipeline itself is: its counters and its readiness, from where `run` or `metrics` serves them."""

import json
import threading
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from pipeline.settings import Settings

#: Of all metrics those of the aggregator itself; docs/metrics.md explains them.
PREFIX = "kafka_trace_aggregator_"
_EVERY_S = 5.0
_TIMEOUT_S = 2.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on by others


class JobWatch:
    """A thread that looks every 5 s at `metrics.host` and `metrics.port`, so that no answer waits for it."""

    def __init__(self, settings: Settings) -> None:
        self._host = _EVERYWHERE.get(settings.metrics_host, settings.metrics_host)
        self._port = settings.metrics_port
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch-job", daemon=True)
        self._state: dict[str, Any] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join(2 * _TIMEOUT_S)

    def status(self) -> dict[str, Any]:
        """`address`; then `counters`, `isReady` and `why`, or the `error` if nobody answers there."""
        return {"address": f"{self._host}:{self._port}", **self._state}

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._state = self._look()
            except (OSError, HTTPException, ValueError) as error:
                self._state = {"error": str(error) or type(error).__name__}
            self._stopping.wait(_EVERY_S)

    def _look(self) -> dict[str, Any]:
        if not self._port:
            return {"error": "metrics.port=0 serves none"}
        with closing(HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)) as server:
            server.request("GET", "/metrics", headers={"Accept": "text/plain"})
            counters = counters_of(server.getresponse().read().decode())
            server.request("GET", "/readyz")
            answer = server.getresponse()
            return {"counters": counters, "isReady": answer.status == 200, "why": json.loads(answer.read())["why"]}  # noqa: PLR2004


def counters_of(text: str) -> dict[str, float]:
    """The aggregator's own numbers in Prometheus's text format, by their name without the prefix."""
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {sample.name.removeprefix(PREFIX): sample.value for sample in samples if sample.name.startswith(PREFIX)}
