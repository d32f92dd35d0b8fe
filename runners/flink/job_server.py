"""The job server: a JVM that takes jobs from Python, and on `[local]` is the Flink that runs them."""

import logging
import os
import shlex
import shutil
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pipeline.config.settings import Settings
from runners.flink.job_records import JobRecord, frozen_settings
from runners.flink.options import beam_options, heap_mb, write_configuration
from runners.java.find_java import find_java
from runners.java.jars import resolve
from runners.java.java_process import JavaProcess
from runners.java.loopback import loopback_jar
from runners.kafka_graph import NATIVE, Build
from runners.ports import free_ports, listens
from runners.state_folder import StateFolder

if TYPE_CHECKING:
    from apache_beam.runners.runner import PipelineResult

START_S = 120
MAIN = "org.apache.beam.runners.flink.FlinkJobServerDriver"
JVM_OPTIONS = (
    # Flink 1.19 on Java 17.
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    # Most of the work is in Python. The second compiler would take more CPU than it saves (docs/adr/0013).
    "-XX:TieredStopAtLevel=1",
    # Half a JVM would look alive.
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
    "-Duser.timezone=UTC",
    # Two lines for each checkpoint, for ever.
    "-Dorg.slf4j.simpleLogger.log.org.apache.flink.runtime.checkpoint=warn",
    # Hundreds of lines of properties for each client: nobody finds the error behind them.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka=warn",
)

LOG_LEVEL = "-Dorg.slf4j.simpleLogger.defaultLogLevel"


class JobServer:
    """The JVM, from construction to the end of the block. `java_option` in the environment is added to its options.

    `master` is used in place of the setting `flink.master`.
    """

    def __init__(
        self, settings: Settings, folder: StateFolder, environ: Mapping[str, str] = os.environ, *, master: str = ""
    ) -> None:
        self._settings, self._folder = settings, folder
        group = "beam" if settings.kafka_io == NATIVE else "java-io"
        cache = Path(settings.jars_cache).expanduser()
        jars = resolve(group, cache, settings.jars_mirror)
        # Flink leaves 22 MB there each time that it does not end in order.
        self._scratch = folder.scratch
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        self._port, artifact_port = free_ports(2)
        self._endpoint = f"localhost:{self._port}"
        self.process = JavaProcess(
            "Flink",
            java=find_java(settings.java_home),
            jars=[loopback_jar(jars, cache, folder.root), *jars],
            main=MAIN,
            arguments=[
                *("--flink-master", master or settings.flink_master),
                *("--flink-conf-dir", str(folder.configuration)),
                *("--job-host", "localhost"),
                *("--job-port", str(self._port)),
                *("--artifact-port", str(artifact_port)),
                # None of its own: our transforms need none, and it could not be told to use the deprecated read.
                *("--expansion-port", "-1"),
                *("--artifacts-dir", str(self._scratch / "artifacts")),
            ],
            fast_start=True,
            options=[
                f"-Xmx{heap_mb(settings)}m",
                *JVM_OPTIONS,
                f"{LOG_LEVEL}={settings.log_level}",
                *shlex.split(environ.get("java_option", "")),
            ],
            log=folder.log("flink"),
        )

    def submit(
        self,
        build: Build,
        configuration: Callable[[str], Mapping[str, str]],
        worker: str,
        *,
        restore: str = "",
        beam_flags: Sequence[str] = (),
        has_parallelism: bool = True,
    ) -> "Submission":
        """Hands over a new job, remembered in the state folder.

        Args:
            build: adds the steps to a pipeline.
            configuration: what Flink is told, given the id of the job.
            worker: the program that Flink starts as a Python worker.
            restore: the savepoint that a cluster resumes from.
            beam_flags: options of Beam that win over ours.
            has_parallelism: else the job has that of Flink's `parallelism.default` where it starts.

        Raises:
            JavaProcessError: the JVM ended, or did not come up.
            UserError: a flag that would break the state. Else what Beam raises.
        """
        options = beam_options(
            self._settings,
            job_endpoint=self._endpoint,
            worker=worker,
            restore=restore,
            extra=beam_flags,
            has_parallelism=has_parallelism,
        )
        record = JobRecord(uuid.uuid4().hex, frozen_settings(self._settings))
        record.save(self._folder.jobs)
        write_configuration(self._folder.configuration, configuration(record.job))
        # Beam warns of each Flink option, and shouts when a job is cancelled; what matters is in `Submission.error`.
        logging.getLogger().setLevel(logging.CRITICAL)
        threading.excepthook = _tell_of_threads
        from apache_beam import Pipeline
        from apache_beam.options.pipeline_options import PipelineOptions

        from runners.flink.stable_names import StableNamesRunner

        pipeline = Pipeline(StableNamesRunner(), PipelineOptions(options))
        build(pipeline)
        self.process.wait_until(lambda: listens(self._port), START_S)
        return Submission(pipeline.run(), record.job)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)


class Submission:
    """A job that was handed over. `ended` is set when the runner is through with it; `error` then says why it failed.

    `job` is its id, on Flink.
    """

    def __init__(self, result: "PipelineResult", job: str = "") -> None:
        self.job = job
        self.ended = threading.Event()
        self.error = ""
        self._result = result
        threading.Thread(target=self._wait, name="job-end", daemon=True).start()

    def cancel(self, within_s: float = 10) -> None:
        """Ends it, whatever becomes of its state."""
        with suppress(Exception):
            self._result.cancel()
        self.ended.wait(within_s)

    def _wait(self) -> None:
        try:
            self._result.wait_until_finish()
        except Exception as error:  # noqa: BLE001 - Beam raises RuntimeError, gRPC its own
            self.error = str(error)
        finally:
            self.ended.set()


def _tell_of_threads(what: threading.ExceptHookArgs) -> None:
    """As ever, but for the thread in which Beam reads a job's messages: it fails when the JVM ends, which we tell."""
    if what.thread is None or what.thread.name != "wait_until_finish_read":
        threading.__excepthook__(what)
