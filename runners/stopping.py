"""Stops a run from another process."""

import os
import signal
import time

from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.flink.savepoints import snapshots
from runners.state_folder import StateFolder

#: What an end takes beside its savepoint.
END_S = 60
POLL_S = 0.2


def stop_embedded(config: Config) -> str:
    """Has the run on this machine stop with a savepoint, waits for its end, returns what it left.

    Raises `UserError` when there is none, or when it takes too long.
    """
    folder = StateFolder.of(config.settings)
    holder = folder.holder()
    if holder is None:
        raise UserError(f"Nothing runs with {folder.root}.", "Start it: tracing-aggregator run")
    os.kill(holder, signal.SIGTERM)
    wait_s = config.settings.flink_savepoint_timeout_ms / 1000 + END_S
    deadline = time.monotonic() + wait_s
    while folder.holder() == holder:
        if time.monotonic() > deadline:
            raise UserError(
                f"Process {holder} was asked to stop and still runs after {wait_s:g} s.",
                f"See its output, or end it: kill -9 {holder} (the last checkpoint stays).",
            )
        time.sleep(POLL_S)
    return next((str(snapshot.path) for snapshot in snapshots(folder)), "")
