"""How the pipeline itself is: its counters and its readiness, from where `run` or `metrics` serves them."""

import threading
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from pipeline.config.settings import Settings

#: Of all metrics those of the aggregator itself; docs/metrics.md explains them.
PREFIX = "kafka_trace_aggregator_"
_EVERY_S = 5.0
_TIMEOUT_S = 2.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on by others


class JobWatch:
    """A thread that looks every 5 s at `metrics.address`, so that no answer waits for it."""

    def __init__(self, settings: Settings) -> None:
        self._address = address_of(settings)
        self._token = settings.metrics_token.partition(",")[0]
        self._verify: str | bool = settings.metrics_ca_file or True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch-job", daemon=True)
        self._state: dict[str, Any] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a look that still waits for its answer changes nothing, so it is not waited for."""
        self._stopping.set()

    def status(self) -> dict[str, Any]:
        """`address`; then `counters`, `isReady` and `why`, or the `error` if nobody answers there."""
        return {"address": self._address, **self._state}

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._state = self._look()
            except (OSError, ValueError, KeyError) as error:
                self._state = {"error": str(error) or type(error).__name__}
            self._stopping.wait(_EVERY_S)

    def _look(self) -> dict[str, Any]:
        if not self._address:
            return {"error": "metrics.port=0 serves none; metrics.address names another place"}
        headers = {"Accept": "text/plain"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        with requests.Session() as session:
            session.trust_env = False
            scraped = session.get(f"{self._address}/metrics", headers=headers, timeout=_TIMEOUT_S, verify=self._verify)
            scraped.raise_for_status()
            readiness = session.get(f"{self._address}/readyz", timeout=_TIMEOUT_S, verify=self._verify)
            return {"counters": counters_of(scraped.text), "isReady": readiness.ok, "why": readiness.json()["why"]}


def address_of(settings: Settings) -> str:
    """Where the job's metrics are served, as this process reaches it; empty: nowhere."""
    if settings.metrics_address or not settings.metrics_port:
        return settings.metrics_address
    host = _EVERYWHERE.get(settings.metrics_host, settings.metrics_host)
    scheme = "https" if settings.metrics_tls_cert_file else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.metrics_port}"


def counters_of(text: str) -> dict[str, float]:
    """The aggregator's own numbers in Prometheus's text format, by their name without the prefix."""
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {sample.name.removeprefix(PREFIX): sample.value for sample in samples if sample.name.startswith(PREFIX)}
