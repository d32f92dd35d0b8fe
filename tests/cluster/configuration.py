"""Flink's configuration of the cluster: what a cluster for the aggregator needs, and what keeps this one small."""

from pathlib import Path

from runners.flink.options import flink_uri

SLOTS = 2
_OPENS = ("java.lang", "java.net", "java.io", "java.nio", "sun.nio.ch", "java.lang.reflect", "java.text", "java.time")
_UTIL = ("java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks")
#: What every cluster that runs the aggregator should have: docs/operations.md explains each.
NEEDED = {
    "classloader.resolve-order": "parent-first",
    "jobmanager.execution.failover-strategy": "full",
    "taskmanager.memory.jvm-metaspace.size": "512m",
}


def configuration(folder: Path, *, rpc_port: int, rest_port: int, quorum: str = "") -> dict[str, str]:
    """All of it. State lies below `folder`; `quorum` is the address of a ZooKeeper for a JobManager that may die."""
    written = {
        **NEEDED,
        # Java 17.
        "env.java.opts.all": " ".join(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in (*_OPENS, *_UTIL)),
        "env.log.dir": str(folder / "log"),
        "env.pid.dir": str(folder / "pid"),
        "io.tmp.dirs": str(folder / "tmp"),
        "jobmanager.rpc.address": "localhost",
        "jobmanager.rpc.port": str(rpc_port),
        "jobmanager.bind-host": "127.0.0.1",
        "jobmanager.memory.process.size": "1024m",
        "rest.address": "localhost",
        "rest.bind-address": "127.0.0.1",
        "rest.port": str(rest_port),
        "rest.bind-port": str(rest_port),
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.host": "localhost",
        "taskmanager.numberOfTaskSlots": str(SLOTS),
        "taskmanager.memory.process.size": "2000m",
        "taskmanager.memory.managed.size": "256m",
        "state.checkpoints.dir": flink_uri(folder / "checkpoints"),
        "state.savepoints.dir": flink_uri(folder / "savepoints"),
        "heartbeat.interval": "2000",
        "heartbeat.timeout": "10000",
    }
    if quorum:
        written |= {
            "high-availability.type": "zookeeper",
            "high-availability.zookeeper.quorum": quorum,
            "high-availability.zookeeper.client.session-timeout": "10000",
            "high-availability.storageDir": flink_uri(folder / "ha"),
        }
    return written
