"""A Python worker process, as Flink starts it: `python -m runners.worker --id=… --provision_endpoint=host:port`.

Flink says only where to ask. This asks for the rest (endpoints, pipeline options, what the runner can do), hands it to
Beam's worker as the container image would, and becomes that worker. It ends by itself once the JVM that started it is
gone; a death signal from the kernel would not do, because that follows the JVM's *thread* that started the process.
"""

import argparse
import os
import threading
import time
from collections.abc import Sequence

PARENT_CHECK_S = 0.5
PROVISION_TIMEOUT_S = 60


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs until the runner closes the control channel, or until the parent process is gone."""
    parser = argparse.ArgumentParser(prog="tracing-aggregator-worker", description="Python worker, started by Flink.")
    parser.add_argument("--id", required=True, help="name that the runner knows this worker by")
    parser.add_argument("--provision_endpoint", required=True, metavar="HOST:PORT", help="where it tells the rest")
    known, _ = parser.parse_known_args(arguments)
    threading.Thread(target=_end_with, args=(os.getppid(),), name="parent-watch", daemon=True).start()
    os.environ.update(environment(known.id, known.provision_endpoint))

    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main([])


def environment(worker_id: str, provision_endpoint: str) -> dict[str, str]:
    """The variables that Beam's worker reads, from what the runner's provision service answers within a minute."""
    import grpc  # type: ignore[import-untyped]
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from google.protobuf import json_format, text_format  # type: ignore[import-untyped]

    with grpc.insecure_channel(provision_endpoint) as channel:
        info = (
            beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
            .GetProvisionInfo(
                beam_provision_api_pb2.GetProvisionInfoRequest(),
                metadata=[("worker_id", worker_id)],
                timeout=PROVISION_TIMEOUT_S,
                wait_for_ready=True,
            )
            .info
        )
    return {
        "WORKER_ID": worker_id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.control_endpoint),
        "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.logging_endpoint),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        "SEMI_PERSISTENT_DIRECTORY": "/nonexistent",  # no artifacts are staged: our code is installed here
    }


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


if __name__ == "__main__":
    main()
