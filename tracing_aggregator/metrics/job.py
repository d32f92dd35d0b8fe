"""One look at the job on Flink: its state, its newest checkpoint, its counters."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from pipeline.config.setting_types import LOCAL_MASTER
from pipeline.config.settings import Settings
from pipeline.errors import UserError
from runners.flink.cluster import running_job
from runners.flink.options import read_configuration
from runners.flink.rest import FlinkError, FlinkRest
from runners.state_folder import StateFolder
from tracing_aggregator.metrics import catalogue
from tracing_aggregator.metrics.catalogue import JOB_COUNTERS, NAMESPACE

_MS_PER_S = 1000
# Flink writes the name of a Beam metric as `step.namespace_name`.
_MARK = f".{NAMESPACE}_"


class Checkpoint(NamedTuple):
    """A complete checkpoint: when it was begun (ms since the epoch), how long it took (ms), its size in bytes."""

    at: int
    duration: int
    size: int


class Job(NamedTuple):
    """What Flink says of a job that has not ended; `started` is in ms since the epoch."""

    state: str
    is_processing: bool
    started: int
    checkpoint: Checkpoint | None
    failed_checkpoints: int
    counters: Mapping[str, int]
    #: The innermost cause of its newest failure, while not all of its tasks run; empty if there was none.
    failure: str = ""


def look(settings: Settings) -> Job | None:
    """The job of this `application.id`, on the cluster or the embedded Flink; None if there is none to be seen."""
    try:
        place = locate(settings)
        return None if place is None else _look(*place)
    except (FlinkError, UserError, KeyError, TypeError):
        return None  # it starts, ends, or is gone: the next look is soon


def locate(settings: Settings) -> tuple[FlinkRest, str] | None:
    """Where the job of this `application.id` is, and its id; None where there is none."""
    if settings.flink_master == LOCAL_MASTER:
        configured = read_configuration(StateFolder.of(settings).configuration)
        if "rest.port" not in configured:
            return None
        return FlinkRest(f"localhost:{configured['rest.port']}"), configured["$internal.pipeline.job-id"]
    rest = FlinkRest.of(settings)
    job = running_job(rest, settings.application_id)
    return None if job is None else (rest, job)


def _look(rest: FlinkRest, job: str) -> Job:
    detail, checkpoints = rest.get(f"/jobs/{job}"), rest.get(f"/jobs/{job}/checkpoints")
    tasks = detail["vertices"]
    newest = checkpoints["latest"]["completed"]
    is_processing = detail["state"] == "RUNNING" and all(task["status"] == "RUNNING" for task in tasks)
    return Job(
        state=detail["state"],
        is_processing=is_processing,
        started=detail["start-time"],
        checkpoint=newest
        and Checkpoint(newest["trigger_timestamp"], newest["end_to_end_duration"], newest["state_size"]),
        failed_checkpoints=checkpoints["counts"]["failed"],
        counters=counters(rest, job, [task["id"] for task in tasks]),
        failure="" if is_processing else rest.last_failure(job)[1],
    )


def counters(rest: FlinkRest, job: str, tasks: list[str]) -> Counter[str]:
    """The job's counters by name, summed over all tasks."""
    sums: Counter[str] = Counter()
    for task in tasks:
        path = f"/jobs/{job}/vertices/{task}/subtasks/metrics"
        names = [metric["id"] for metric in _list(rest, path) if _MARK in metric["id"]]
        # Flink takes a comma for the end of a name, and a step's name may hold one.
        alone = [name for name in names if "," in name]
        together = ",".join(name for name in names if "," not in name)
        for wanted in filter(None, (together, *alone)):
            for metric in _list(rest, f"{path}?agg=sum&get={quote(wanted, safe=',' if wanted == together else '')}"):
                sums[metric["id"].rpartition(_MARK)[2]] += int(metric["sum"])
    return sums


def _list(rest: FlinkRest, path: str) -> list[dict[str, Any]]:
    answer: Any = rest.get(path)  # a list, where all else that we ask for is an object
    return list(answer)


def families(job: Job | None, cluster: str) -> Iterator[Metric]:
    """The metrics of the job; without one that it does not run."""
    yield _gauge(catalogue.RUNNING, cluster, float(job is not None and job.is_processing))
    if job is None:
        return
    counts = job.counters
    for metric in JOB_COUNTERS:
        yield _counter(metric, cluster, counts.get(metric.field, 0))
    held = counts.get("parsed", 0) - counts.get("emitted", 0) - counts.get("duplicates", 0)
    lost = counts.get("received", 0) - sum(counts.get(name, 0) for name in ("parsed", "dead_lettered", "not_followed"))
    if held >= 0:  # Flink's counters of several steps are read at different moments: then it is not known
        yield _gauge(catalogue.HELD, cluster, held)
    yield _gauge(catalogue.UNACCOUNTED, cluster, lost)
    yield _counter(catalogue.FAILED_CHECKPOINTS, cluster, job.failed_checkpoints)
    if job.checkpoint:
        yield _gauge(catalogue.CHECKPOINT, cluster, job.checkpoint.at / _MS_PER_S)
        yield _gauge(catalogue.CHECKPOINT_DURATION, cluster, job.checkpoint.duration / _MS_PER_S)
        yield _gauge(catalogue.CHECKPOINT_SIZE, cluster, job.checkpoint.size)


def _gauge(metric: catalogue.Metric, cluster: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help, labels=["cluster"])
    family.add_metric([cluster], value)
    return family


def _counter(metric: catalogue.Metric, cluster: str, value: float) -> CounterMetricFamily:
    family = CounterMetricFamily(metric.name, metric.help, labels=["cluster"])
    family.add_metric([cluster], value)
    return family
