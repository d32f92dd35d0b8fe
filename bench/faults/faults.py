"""The faults, each a function that does it to a bed while traffic runs."""

import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

import orjson
from confluent_kafka.admin import AdminClient, NewPartitions

from bench.faults.bed import Bed
from bench.faults.traffic import Traffic
from bench.generate import SECOND, java_date

OUTAGE_S = 5
LONG_OUTAGE_S = 60
IDLE_S = 5
PATIENCE_S = 60
STORAGE_OUTAGE_S = 20
POISON = 3000
FAR_AHEAD = 20
TWO_HOURS = 7200 * SECOND


class Fault(NamedTuple):
    """`do` returns how many dead letters it makes. `stops`: nothing comes out until it is over."""

    name: str
    what: str
    do: Callable[[Bed, Traffic], int]
    stops: bool = True


def unused_partition(bed: Bed, traffic: Traffic) -> int:
    """Nothing: the third partition of the topic has never had a record."""
    del bed, traffic
    return 0


def kill_worker(bed: Bed, traffic: Traffic) -> int:
    """SIGKILL to one of the Python workers."""
    del traffic
    os.kill(bed.workers()[0], signal.SIGKILL)
    return 0


def kill_task_manager(bed: Bed, traffic: Traffic) -> int:
    """SIGKILL to the only TaskManager; another is started at once."""
    del traffic
    bed.cluster.task_managers[-1].kill()
    bed.cluster.start_task_manager()
    return 0


def kill_job_manager(bed: Bed, traffic: Traffic) -> int:
    """SIGKILL to the JobManager; another takes over from ZooKeeper."""
    del traffic
    bed.cluster.job_manager.kill()
    bed.cluster.start_job_manager()
    bed.wait(lambda: bed.job() is not None, "the new JobManager did not take the job over")
    return 0


def kill_idle_worker(bed: Bed, traffic: Traffic) -> int:
    """SIGKILL to a Python worker while nothing is written."""
    traffic.pause(IDLE_S)
    os.kill(bed.workers()[0], signal.SIGKILL)
    traffic.pause(IDLE_S)
    return 0


def restart_broker(bed: Bed, traffic: Traffic, outage_s: float = OUTAGE_S) -> int:
    """SIGKILL to the only broker, which comes back."""
    del traffic
    bed.broker.kill()
    time.sleep(outage_s)
    bed.broker.start()
    return 0


def lose_broker_for_long(bed: Bed, traffic: Traffic) -> int:
    """The same for a minute."""
    return restart_broker(bed, traffic, LONG_OUTAGE_S)


def add_partition(bed: Bed, traffic: Traffic) -> int:
    """The tracing topic gets another partition, and half of the traces go there from then on."""
    topic, admin = bed.tracing_topic, AdminClient({"bootstrap.servers": bed.broker.bootstrap_servers})
    new = len(admin.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions)
    admin.create_partitions([NewPartitions(topic, new + 1)])[topic].result(PATIENCE_S)
    traffic.move(1, to=new)
    return 0


def rescale(bed: Bed, traffic: Traffic) -> int:
    """`stop`, then `run` with twice the parallelism; `stop`, then `run` with one."""
    del traffic
    bed.cluster.start_task_manager()
    for parallelism in ("4", "1"):
        bed.command("stop")
        bed.settings["flink.parallelism"] = parallelism
        bed.submit()
        bed.wait_for_checkpoint()
    return 0


def lose_storage(bed: Bed, traffic: Traffic) -> int:
    """Checkpoints cannot be written; then they can again."""
    del traffic
    failed = bed.checkpoint_counts().get("failed", 0)
    with bed.lost_storage() as refuses:
        if refuses:
            bed.wait(lambda: bed.checkpoint_counts().get("failed", 0) > failed, "no checkpoint failed")
        time.sleep(STORAGE_OUTAGE_S)
    bed.wait_for_checkpoint()
    return 0


def flood(bed: Bed, traffic: Traffic) -> int:
    """Records that are no traces, all at once."""
    del bed
    for number in range(POISON):
        traffic.produce(b"\xff\xfe no trace %d" % number)
    return POISON


def jump_clocks(bed: Bed, traffic: Traffic) -> int:
    """A group's clock is 30 s behind from now on, and some traces are dated two hours ahead."""
    del bed
    traffic.set_clock_back()
    for number in range(FAR_AHEAD):
        trace = {"id": f"ahead-{number}", "type": "SEND", "topic": "ahead", "correlationId": f"ahead-{number}"}
        date = java_date(time.time_ns() + TWO_HOURS)
        traffic.produce(orjson.dumps(trace | {"clientId": "shop", "date": date}))
    return FAR_AHEAD


def stop_and_resume(bed: Bed, traffic: Traffic) -> int:
    """`stop`, then `run`."""
    del traffic
    bed.command("stop")
    bed.submit()
    return 0


def stop_by_flink(bed: Bed, traffic: Traffic) -> int:
    """Flink's own stop, as its operator asks for it, then `run`, which finds the savepoint by what Flink knows."""
    del traffic
    job = bed.job()
    bed.cluster.rest.stop_with_savepoint(str(job), f"{bed.settings['flink.checkpoints.dir']}/stopped", PATIENCE_S)
    bed.wait(lambda: bed.job() is None, "the job did not end")
    bed.submit()
    return 0


def lose_cluster(bed: Bed, traffic: Traffic) -> int:
    """Everything of Flink is gone, ZooKeeper too; on a new cluster `run` finds the last checkpoint."""
    del traffic
    for process in (bed.cluster.job_manager, *bed.cluster.task_managers):
        process.kill()
    bed.new_cluster("another-cluster")
    bed.submit()
    return 0


FAULTS = [
    Fault("unused-partition", "none; a partition of `_tracing` never has a record", unused_partition, stops=False),
    Fault("worker", "kill -9 of a Python worker", kill_worker),
    Fault("idle-worker", "kill -9 of a Python worker while nothing is written", kill_idle_worker),
    Fault("task-manager", "kill -9 of the TaskManager, another started", kill_task_manager),
    Fault("job-manager", "kill -9 of the JobManager, another takes over (ZooKeeper)", kill_job_manager),
    Fault("broker", "kill -9 of the broker, back after 5 s", restart_broker),
    Fault("broker-minute", "the same for 60 s", lose_broker_for_long),
    Fault(
        "partition", "a partition is added to `_tracing`, and half of the traces go there", add_partition, stops=False
    ),
    Fault("storage", "checkpoint storage gone for 20 s and more", lose_storage, stops=False),
    Fault("poison", f"{POISON} records at once that are no traces", flood, stops=False),
    Fault("clocks", "a consumer's clock 30 s behind, some traces 2 h ahead", jump_clocks, stops=False),
    Fault("stop", "`stop` with a savepoint, `run` again", stop_and_resume),
    Fault("flink-stop", "Flink's own stop with a savepoint, `run` again", stop_by_flink),
    Fault("rescale", "`stop`, `run` with parallelism 4 instead of 2, `stop`, `run` with 1", rescale),
    Fault("cluster", "the whole cluster killed, `run` on a new one", lose_cluster),
]
