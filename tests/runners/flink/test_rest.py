import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from pipeline.config.settings import Settings
from runners.flink.rest import Access, FlinkError, FlinkRest, SavepointTimeoutError, innermost
from tests.serving import running
from tests.tracing_aggregator.web.certificates import self_signed
from tracing_aggregator.web.server import Tls

TRACE = """org.apache.flink.runtime.JobException: Recovery is suppressed
\tat org.apache.flink.Foo(Foo.java:1)
Caused by: java.lang.RuntimeException: outer
\tat x
Caused by: java.io.IOException: disk full
\tat y
"""

#: What the requests to the newest Flink said of who asks.
logins: list = []


@pytest.fixture
def flink() -> Iterator[tuple[FlinkRest, dict, list]]:
    """A Flink that answers with the dictionary, and the list of what it was asked."""
    answers: dict = {}
    asked: list = []
    logins.clear()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, json.loads(body) if body else None))
            logins.append(self.headers.get("Authorization"))
            answer = answers.get(self.path)
            status = 404 if answer is None else 200
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"errors": ["Not found."]} if answer is None else answer).encode())

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield FlinkRest(f"127.0.0.1:{server.server_port}"), answers, asked
    server.shutdown()
    server.server_close()


def test_the_innermost_cause_says_why():
    assert innermost(TRACE) == "java.io.IOException: disk full"
    assert innermost("java.lang.Error: alone\n\tat x") == "java.lang.Error: alone"
    assert innermost("") == ""


def test_a_savepoint_of_ours_cancels_the_job(flink):
    rest, answers, asked = flink
    answers["/jobs/j/savepoints"] = {"request-id": "r"}
    answers["/jobs/j/savepoints/r"] = {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/s/sp"}}
    assert rest.savepoint_and_cancel("j", "file:///s", 5) == "file:/s/sp"
    assert asked[0] == (
        "POST",
        "/jobs/j/savepoints",
        {"target-directory": "file:///s", "cancel-job": True, "formatType": "NATIVE"},
    )


def test_flinks_own_stop_never_drains(flink):
    rest, answers, asked = flink
    answers["/jobs/j/stop"] = {"request-id": "r"}
    answers["/jobs/j/savepoints/r"] = {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/s/sp"}}
    assert rest.stop_with_savepoint("j", "file:///s", 5) == "file:/s/sp"
    assert asked[0] == (
        *("POST", "/jobs/j/stop"),
        {"targetDirectory": "file:///s", "drain": False, "formatType": "NATIVE"},
    )


def test_tasks_are_counted_over_all_steps(flink):
    rest, answers, _ = flink
    tasks = [{"RUNNING": 2, "INITIALIZING": 0}, {"RUNNING": 1, "INITIALIZING": 1}]
    answers["/jobs/j"] = {"vertices": [{"tasks": each} for each in tasks]}
    assert rest.tasks("j") == {"RUNNING": 3, "INITIALIZING": 1}
    assert not rest.tasks("another")


def test_a_failed_savepoint_says_its_cause(flink):
    rest, answers, _ = flink
    answers["/jobs/j/savepoints"] = {"request-id": "r"}
    answers["/jobs/j/savepoints/r"] = {
        "status": {"id": "COMPLETED"},
        "operation": {"failure-cause": {"stack-trace": TRACE}},
    }
    with pytest.raises(FlinkError, match="disk full"):
        rest.savepoint_and_cancel("j", None, 5)


def test_an_unknown_job_has_no_state_and_cannot_be_saved(flink):
    rest, _, _ = flink
    assert rest.state("j") is None
    with pytest.raises(FlinkError, match="refused /jobs/j/savepoints: Not found"):
        rest.savepoint_and_cancel("j", None, 5)


def test_no_flink_at_all_is_told_with_its_address():
    with pytest.raises(FlinkError, match=r"Flink at 127\.0\.0\.1:1 does not answer"):
        FlinkRest("127.0.0.1:1").jobs()


def test_a_job_processes_once_all_its_tasks_run(flink):
    rest, answers, _ = flink
    answers["/jobs/j"] = {"state": "RUNNING", "vertices": [{"status": "RUNNING"}, {"status": "INITIALIZING"}]}
    assert not rest.is_processing("j")
    answers["/jobs/j"]["vertices"][1]["status"] = "RUNNING"
    assert rest.is_processing("j")


def test_the_last_failure_has_its_time_and_its_innermost_cause(flink):
    rest, answers, _ = flink
    assert rest.last_failure("j") == (0, "")
    answers["/jobs/j/exceptions"] = {"exceptionHistory": {"entries": []}}
    assert rest.last_failure("j") == (0, "")
    answers["/jobs/j/exceptions"]["exceptionHistory"]["entries"] = [{"timestamp": 7, "stacktrace": TRACE}]
    assert rest.last_failure("j") == (7, "java.io.IOException: disk full")


def test_a_savepoint_that_is_late_says_where_flink_tells_of_it(flink):
    rest, answers, _ = flink
    answers["/jobs/j/savepoints"] = {"request-id": "r"}
    answers["/jobs/j/savepoints/r"] = {"status": {"id": "IN_PROGRESS"}}
    with pytest.raises(SavepointTimeoutError, match=r"not complete after 0\.1 s") as late:
        rest.savepoint_and_cancel("j", None, 0.1)
    assert late.value.path == "/jobs/j/savepoints/r"


def test_it_says_who_asks(flink):
    rest, answers, _ = flink
    answers["/jobs/overview"] = {"jobs": []}
    with_user = {"flink_rest_user": "ann", "flink_rest_password": "sesame"}
    FlinkRest.of(Settings(flink_master=rest.address, **with_user)).jobs()
    FlinkRest.of(Settings(flink_master=rest.address, flink_rest_token="a-token")).jobs()
    assert logins == ["Basic YW5uOnNlc2FtZQ==", "Bearer a-token"]


def test_it_speaks_tls_with_whom_it_trusts(tmp_path):
    cert, key = self_signed(tmp_path)

    async def overview(_):
        return JSONResponse({"jobs": []})

    app = Starlette(routes=[Route("/jobs/overview", overview)])
    with running(app, tls=Tls(cert, key)) as port:
        assert FlinkRest(f"localhost:{port}", Access(tls=True, ca_file=str(cert))).jobs() == []
        with pytest.raises(FlinkError, match="CERTIFICATE_VERIFY_FAILED"):
            FlinkRest(f"localhost:{port}", Access(tls=True)).jobs()
