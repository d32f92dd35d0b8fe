"""Starting and ending the dashboard, and its stream of changes."""

import asyncio
import http.client
import threading
from contextlib import closing

import pytest
import uvicorn
from click.testing import CliRunner

from cli.main import main
from dashboard import live
from dashboard.api import application
from dashboard.background import running
from dashboard.ending import EndingServer
from dashboard.listening import is_loopback, listen
from tests.dashboard.stores import TRACES
from tests.explain.cases import sent


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "192.0.2.2"], "--token"),
        (["--host", "192.0.2.1", "--token", "short"], "8 characters"),
        (["--host", "192.0.2.1", "--token", "long-enough"], "--port 0"),
        (["--since", "yesterday"], "--since 2h"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_to_type(tmp_path, options, told):
    result = CliRunner().invoke(main, ["dashboard", "--store", str(tmp_path / "s"), "--port", "0", *options])
    assert result.exit_code == 2
    assert told in result.output
    assert not (tmp_path / "s").exists()


def test_a_port_that_is_taken_is_told(tmp_path, made):
    with running(application(made.reader, None)) as port:
        result = CliRunner().invoke(main, ["dashboard", "--store", str(tmp_path / "s"), "--port", str(port)])
    assert result.exit_code == 2
    assert f"127.0.0.1:{port} cannot be listened on" in result.output


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("192.0.2.2", False), ("shop", False)]
)
def test_loopback_is_this_machine_alone(host, alone):
    assert is_loopback(host) == alone


def test_the_stream_tells_of_a_change_and_ends_with_the_server(made):
    with running(application(made.reader, None)) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        client.request("GET", "/api/live")
        answer = client.getresponse()
        assert answer.getheader("content-type", "").startswith("text/event-stream")

        def event() -> bytes:
            while not (line := answer.readline()).startswith(b"data:"):
                assert line
            return line.strip()

        assert event() == b"data: 1"
        made.take(TRACES, [sent()])
        assert event() == b"data: 2"


def test_streams_that_are_open_end_in_good_order_when_the_server_stops(made, caplog):
    app = application(made.reader, None)
    server = EndingServer(uvicorn.Config(app, timeout_graceful_shutdown=5, log_level="warning"), app.state.ending)
    with closing(listen("127.0.0.1", 0, None, "dashboard")) as listening:
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        serving.start()
        client = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=20)
        client.request("GET", "/api/live")
        answer = client.getresponse()
        assert answer.readline() == b"retry: 2000\n"
        server.should_exit = True
        assert b"event: changed" in answer.read()  # whole: a stream that is cut off raises
        serving.join(20)
        assert not serving.is_alive()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_what_is_silent_says_that_it_is_still_there(made, monkeypatch):
    monkeypatch.setattr(live, "_EVERY_S", 0.01)
    monkeypatch.setattr(live, "_SILENCE_S", 0.03)

    async def told() -> list[str]:
        stream = live.changes(made.reader.address, asyncio.Event())
        return [await anext(stream) for _ in range(3)]

    assert asyncio.run(told()) == ["retry: 2000\n\n", "event: changed\ndata: 1\n\n", ": still here\n\n"]
