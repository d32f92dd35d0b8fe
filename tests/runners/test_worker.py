import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
from google.protobuf import struct_pb2

from runners import worker

ROOT = Path(worker.__file__).parent.parent
PARENT = """
import subprocess, sys, pathlib, time
command = [sys.executable, "-m", "runners.worker", "--id=1", "--provision_endpoint=localhost:1"]
pathlib.Path(sys.argv[1]).write_text(str(subprocess.Popen(command).pid))
time.sleep(60)
"""


class Provision(beam_provision_api_pb2_grpc.ProvisionServiceServicer):
    def GetProvisionInfo(self, request, context):  # noqa: N802 - gRPC's name
        assert dict(context.invocation_metadata())["worker_id"] == "7-1"
        options = struct_pb2.Struct()
        options["beam:option:max_cache_memory_usage_mb:v1"] = "300"
        info = beam_provision_api_pb2.ProvisionInfo(pipeline_options=options, runner_capabilities=["a", "b"])
        info.control_endpoint.url = "localhost:11"
        info.logging_endpoint.url = "localhost:12"
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=info)


def test_a_worker_gets_from_the_runner_what_beams_worker_reads():
    server = grpc.server(ThreadPoolExecutor(1))
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(Provision(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        found = worker.environment("7-1", f"127.0.0.1:{port}")
    finally:
        server.stop(None)
    assert found["WORKER_ID"] == "7-1"
    assert found["RUNNER_CAPABILITIES"] == "a b"
    assert '"beam:option:max_cache_memory_usage_mb:v1": "300"' in found["PIPELINE_OPTIONS"]
    assert 'url: "localhost:11"' in found["CONTROL_API_SERVICE_DESCRIPTOR"]
    assert 'url: "localhost:12"' in found["LOGGING_API_SERVICE_DESCRIPTOR"]


def test_a_worker_ends_when_its_parent_is_killed(tmp_path):
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(pid_file)], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int(pid_file.read_text())
    time.sleep(2)  # until it watches
    os.kill(child, 0)
    parent.kill()
    parent.wait()
    while Path(f"/proc/{child}").exists():
        assert time.monotonic() < deadline, "the worker is still there"
        time.sleep(0.1)
