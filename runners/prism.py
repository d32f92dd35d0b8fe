"""The `prism` runner: Beam's own streaming runner, one program beside this process. For trials.

It keeps no state, so each start reads all that Kafka retains. All steps run in this process; there is no Java.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.flink.job_server import Submission
from runners.java.java_process import DIE_WITH_PARENT
from runners.kafka.read_plan import admin_client, partitions
from runners.kafka_graph import NATIVE, Build, kafka_graph
from runners.ports import free_ports, listens
from runners.secrets_in_env import sealed
from runners.stop_signals import stop_request

START_S = 30
POLL_S = 0.5
OPEN_PORTS = (
    "Warning: Prism's services listen on every address of this machine, without a password (docs/security.md): "
    "let a firewall keep others out."
)


def run(config: Config, tell: Callable[[str], None], beam_flags: Sequence[str] = (), build: Build | None = None) -> int:
    """Runs the pipeline until SIGINT or SIGTERM. Returns the exit code: 0, or 1 when the job failed.

    It commits no offsets, since it could not resume: each start reads all there is. `UserError` without a program.
    """
    config = sealed(config)
    settings = config.settings
    build = build or kafka_graph(config, tell, commits_offsets=False)
    if settings.kafka_io != NATIVE:
        raise UserError("Prism reads and writes Kafka without Java.", "Leave kafka.io out, or take --runner=flink.")
    binary = find_prism(settings.prism_binary)
    partitions(admin_client(config), settings)
    with stop_request(tell, "stopping") as stop, TemporaryDirectory(prefix="tracing-aggregator-") as scratch:
        tell(OPEN_PORTS)
        with _prism(binary, Path(scratch) / "prism.log") as endpoint:
            submission = _submit(config, build, endpoint, beam_flags)
            tell(f"Running on prism at {endpoint}; it keeps no state.")
            while not stop.is_set() and not submission.ended.is_set():
                stop.wait(POLL_S)
            submission.cancel()
    if stop.is_set():
        return 0
    tell(f"The job failed: {submission.error}")
    return 1


def find_prism(configured: str) -> str:
    """The prism program: the one configured, else the one on the PATH; `UserError` without any."""
    binary = shutil.which(str(Path(configured).expanduser()) if configured else "prism")
    if binary is None:
        raise UserError(
            f"prism.binary={configured} is no program." if configured else "There is no program `prism` on the PATH.",
            "Get it: go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0; or use --runner flink",
        )
    return binary


def _submit(config: Config, build: Build, endpoint: str, beam_flags: Sequence[str]) -> Submission:
    logging.getLogger().setLevel(logging.CRITICAL)
    from apache_beam import Pipeline
    from apache_beam.options.pipeline_options import PipelineOptions

    flags = [
        "--runner=PortableRunner",
        f"--job_endpoint={endpoint}",
        f"--job_name={config.settings.application_id}",
        "--environment_type=LOOPBACK",
        "--streaming",
        *beam_flags,
    ]
    pipeline = Pipeline(options=PipelineOptions(flags))
    build(pipeline)
    return Submission(pipeline.run())


@contextmanager
def _prism(binary: str, log: Path) -> Iterator[str]:
    """The address of its job service, for as long as the block runs."""
    port, web_port = free_ports(2)
    launcher = [sys.executable, "-S", "-E", "-c", DIE_WITH_PARENT, str(os.getpid()), binary]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*launcher, "--job_port", str(port), "--web_port", str(web_port)],
            stdout=output,
            stderr=output,
            process_group=0,
        )
    try:
        deadline = time.monotonic() + START_S
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise UserError(f"{binary} does not start:\n{log.read_text()[-2000:]}", "Is it Beam's prism?")
            time.sleep(POLL_S)
        yield f"localhost:{port}"
    finally:
        process.terminate()
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
