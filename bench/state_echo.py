"""The other side of `bench.limits`: a state service that keeps nothing. Prints its port, runs until it is killed."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

LONGEST_S = 600


class _Echo(beam_fn_api_pb2_grpc.BeamFnStateServicer):
    def State(self, request_iterator: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802, ARG002  gRPC's names
        for request in request_iterator:
            yield beam_fn_api_pb2.StateResponse(id=request.id, append=beam_fn_api_pb2.StateAppendResponse())


def main() -> None:
    """Serve on a free port of loopback."""
    server = grpc.server(ThreadPoolExecutor(2))
    beam_fn_api_pb2_grpc.add_BeamFnStateServicer_to_server(_Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    time.sleep(LONGEST_S)


if __name__ == "__main__":
    main()
