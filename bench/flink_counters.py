"""The counters of a run on embedded Flink, from Flink's own metrics while it runs."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

TIMEOUT_S = 10


def counters(configuration: Path) -> Counter[str]:
    """All counters by name, summed over all tasks. `configuration` is the folder of the run's Flink configuration."""
    from transforms.counters import NAMESPACE

    mark = f".{NAMESPACE}_"  # Flink writes the name of a Beam metric as `step.namespace_name`
    configured = _read(configuration / "config.yaml")
    job = f"http://localhost:{configured['rest.port']}/jobs/{configured['$internal.pipeline.job-id']}"
    sums: Counter[str] = Counter()
    for vertex in _get(job)["vertices"]:
        metrics = f"{job}/vertices/{vertex['id']}/subtasks/metrics"
        names = [metric["id"] for metric in _get(metrics) if mark in metric["id"]]
        for metric in _values(metrics, names):
            sums[metric["id"].rpartition(mark)[2]] += int(metric["sum"])
    return sums


def _values(metrics: str, names: Iterable[str]) -> Iterable[dict[str, Any]]:
    for name in names:  # one by one, because a name may hold commas
        yield from _get(f"{metrics}?agg=sum&get={quote(name, safe='')}")


def _read(file: Path) -> dict[str, str]:
    """One `"name": "value"` a line, as we write it."""
    return {
        name: value
        for line in file.read_text(encoding="utf-8").splitlines()
        for name, value in json.loads(f"{{{line}}}").items()
    }


def _get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=TIMEOUT_S) as response:  # noqa: S310  our own Flink on loopback
        return json.load(response)
