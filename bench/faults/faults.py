"""The faults, each a function that does it to a bed while traffic runs."""

import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import orjson
from confluent_kafka.admin import AdminClient, NewPartitions

from bench.bed import ClusterBed
from bench.faults.traffic import Traffic
from bench.generate import SECOND, java_date
from bench.processes import ProcessTree
from pipeline.config.settings import Settings
from runners.flink.rest import FlinkError

OUTAGE_S = 5
LONG_OUTAGE_S = 60
IDLE_S = 5
PATIENCE_S = 60
STORAGE_OUTAGE_S = 20
POISON = 3000
FAR_AHEAD = 20
TWO_HOURS = 7200 * SECOND


class Fault(NamedTuple):
    """`do` returns how many dead letters it makes, if any. `stops`: nothing comes out until it is over."""

    name: str
    what: str
    do: Callable[[ClusterBed, Traffic], int | None]
    stops: bool = True


FAULTS: list[Fault] = []
Do = TypeVar("Do", bound=Callable[[ClusterBed, Traffic], int | None])


def _fault(name: str, *, stops: bool = True) -> Callable[[Do], Do]:
    def add(do: Do) -> Do:
        FAULTS.append(Fault(name, f"{do.__doc__}".removesuffix("."), do, stops))
        return do

    return add


@_fault("unused-partition", stops=False)
def unused_partition(_bed: ClusterBed, _traffic: Traffic) -> None:
    """None; a partition of `_tracing` never has a record."""


@_fault("worker")
def kill_worker(bed: ClusterBed, _traffic: Traffic) -> None:
    """`kill -9` of a Python worker."""
    os.kill(_workers(bed)[0], signal.SIGKILL)


@_fault("idle-worker")
def kill_idle_worker(bed: ClusterBed, traffic: Traffic) -> None:
    """`kill -9` of a Python worker while nothing is written."""
    traffic.pause(IDLE_S)
    os.kill(_workers(bed)[0], signal.SIGKILL)
    traffic.pause(IDLE_S)


@_fault("task-manager")
def kill_task_manager(bed: ClusterBed, _traffic: Traffic) -> None:
    """`kill -9` of the TaskManager, another started."""
    bed.cluster.task_managers[-1].kill()
    bed.cluster.start_task_manager()


@_fault("job-manager")
def kill_job_manager(bed: ClusterBed, _traffic: Traffic) -> None:
    """`kill -9` of the JobManager, another takes over (ZooKeeper)."""
    bed.cluster.job_manager.kill()
    bed.cluster.start_job_manager()
    bed.wait(lambda: bed.job() is not None, "the new JobManager did not take the job over")


@_fault("broker")
def restart_broker(bed: ClusterBed, _traffic: Traffic, outage_s: float = OUTAGE_S) -> None:
    """`kill -9` of the broker, back after 5 s."""
    bed.broker.kill()
    time.sleep(outage_s)
    bed.broker.start()


@_fault("broker-minute")
def lose_broker_for_long(bed: ClusterBed, traffic: Traffic) -> None:
    """The same for 60 s."""
    restart_broker(bed, traffic, LONG_OUTAGE_S)


@_fault("partition", stops=False)
def add_partition(bed: ClusterBed, traffic: Traffic) -> None:
    """A partition is added to `_tracing`, and half of the traces go there."""
    topic, admin = Settings().tracing_topic, AdminClient({"bootstrap.servers": bed.broker.bootstrap_servers})
    new = len(admin.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions)
    admin.create_partitions([NewPartitions(topic, new + 1)])[topic].result(PATIENCE_S)
    traffic.move(1, to=new)


@_fault("storage", stops=False)
def lose_storage(bed: ClusterBed, _traffic: Traffic) -> None:
    """Checkpoint storage gone for 20 s and more."""
    failed = _checkpoints(bed, "failed")
    with bed.lost_storage() as refuses:
        if refuses:
            bed.wait(lambda: _checkpoints(bed, "failed") > failed, "no checkpoint failed")
        time.sleep(STORAGE_OUTAGE_S)
    _wait_for_checkpoint(bed)


@_fault("poison", stops=False)
def flood(_bed: ClusterBed, traffic: Traffic) -> int:
    """3,000 records at once that are no traces."""
    for number in range(POISON):
        traffic.produce(b"\xff\xfe no trace %d" % number)
    return POISON


@_fault("clocks", stops=False)
def jump_clocks(_bed: ClusterBed, traffic: Traffic) -> int:
    """A consumer's clock 30 s behind, some traces 2 h ahead."""
    traffic.set_clock_back()
    for number in range(FAR_AHEAD):
        trace = {"id": f"ahead-{number}", "type": "SEND", "topic": "ahead", "correlationId": f"ahead-{number}"}
        date = java_date(time.time_ns() + TWO_HOURS)
        traffic.produce(orjson.dumps(trace | {"clientId": "shop", "date": date}))
    return FAR_AHEAD


@_fault("stop")
def stop_and_resume(bed: ClusterBed, _traffic: Traffic) -> None:
    """`stop` with a savepoint, `run` again."""
    bed.command("stop")
    bed.submit()


@_fault("flink-stop")
def stop_by_flink(bed: ClusterBed, _traffic: Traffic) -> None:
    """Flink's own stop with a savepoint, as its operator asks for it, `run` again."""
    job = bed.job()
    bed.cluster.rest.stop_with_savepoint(str(job), f"{bed.settings['flink.checkpoints.dir']}/stopped", PATIENCE_S)
    bed.wait(lambda: bed.job() is None, "the job did not end")
    bed.submit()


@_fault("rescale")
def rescale(bed: ClusterBed, _traffic: Traffic) -> None:
    """`stop`, `run` with parallelism 4 instead of 2, `stop`, `run` with 1."""
    bed.cluster.start_task_manager()
    for parallelism in ("4", "1"):
        bed.command("stop")
        bed.settings["flink.parallelism"] = parallelism
        bed.submit()
        _wait_for_checkpoint(bed)


@_fault("cluster")
def lose_cluster(bed: ClusterBed, _traffic: Traffic) -> None:
    """The whole cluster killed, `run` on a new one."""
    for process in (bed.cluster.job_manager, *bed.cluster.task_managers):
        process.kill()
    bed.new_cluster("another-cluster")
    bed.submit()


def _workers(bed: ClusterBed) -> list[int]:
    """The Python workers of all TaskManagers."""
    running = [process for process in bed.cluster.task_managers if process.is_alive]
    return [pid for process in running for pid in ProcessTree(process.pid).running("runners.worker")]


def _checkpoints(bed: ClusterBed, kind: str) -> int:
    """How many checkpoints of the job were `completed`, or have `failed`, since the JobManager started."""
    try:
        return int(bed.cluster.rest.get(f"/jobs/{bed.job()}/checkpoints")["counts"][kind])
    except FlinkError:
        return 0


def _wait_for_checkpoint(bed: ClusterBed) -> None:
    before = _checkpoints(bed, "completed")
    bed.wait(lambda: _checkpoints(bed, "completed") > before, "no checkpoint was complete")
