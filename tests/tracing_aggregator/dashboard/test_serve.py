"""Starting and ending the dashboard, and its stream of changes."""

import asyncio
import http.client
import threading
import time
from contextlib import ExitStack, closing

import httpx
import pytest
from click.testing import CliRunner

from bench.dashboard.background import running
from pipeline.config.load import Config
from pipeline.config.settings import Settings
from pipeline.errors import UserError
from tests.tracing_aggregator.dashboard.stores import TRACES
from tests.tracing_aggregator.explain.cases import sent
from tracing_aggregator.cli.main import main
from tracing_aggregator.dashboard import follow, live, store
from tracing_aggregator.dashboard.api import application
from tracing_aggregator.dashboard.live import Changes
from tracing_aggregator.dashboard.serve import Options, serving
from tracing_aggregator.dashboard.store import TooSlowError
from tracing_aggregator.web.listening import is_loopback


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


def test_what_is_silent_says_that_it_is_still_there(made, monkeypatch):
    monkeypatch.setattr(live, "_EVERY_S", 0.01)
    monkeypatch.setattr(live, "_SILENCE_S", 0.03)

    async def told() -> list[str]:
        changes = Changes(made.reader.address, 1)
        assert changes.take()
        stream = changes.events()
        heard = [await anext(stream) for _ in range(3)]
        changes.leave()
        return heard

    assert asyncio.run(told()) == ["retry: 2000\n\n", "event: changed\ndata: 1\n\n", ": still here\n\n"]


def test_streams_beyond_the_limit_are_refused_clearly_and_all_share_one_reader(made, monkeypatch):
    looks: list[Changes] = []
    look = Changes._look
    monkeypatch.setattr(Changes, "_look", lambda changes, *rest: looks.append(changes) or look(changes, *rest))
    with running(application(made.reader, None, streams=3)) as port, ExitStack() as stack:
        streams = [stack.enter_context(closing(stream(port))) for _ in range(3)]
        assert [one.getresponse().status for one in streams] == [200] * 3
        with closing(stream(port)) as fourth:
            refused = fourth.getresponse()
            assert (refused.status, refused.getheader("retry-after")) == (503, "15")
            assert refused.read() == b"Too many pages are open; this one is not live.\n"
        scraped = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert "kafka_trace_dashboard_event_streams 3.0" in scraped
        assert "kafka_trace_dashboard_event_streams_refused_total 1.0" in scraped
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    assert len(looks) == 1


def stream(port: int) -> http.client.HTTPConnection:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("GET", "/api/live")
    return client


def test_a_stream_that_ends_makes_room_for_another(made):
    with running(application(made.reader, None, streams=1)) as port:
        with closing(stream(port)) as first:
            assert first.getresponse().status == 200
        deadline = time.monotonic() + 20
        status = 0
        while status != 200:
            assert time.monotonic() < deadline
            with closing(stream(port)) as next_one:
                status = next_one.getresponse().status


def test_a_search_that_takes_too_long_is_ended_with_what_to_do(made, monkeypatch):
    monkeypatch.setattr(store, "LONGEST_S", 0.05)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(TooSlowError, match=r"took longer than 0\.05 s"):
        made.reader.value(endless)
    assert made.reader.value("SELECT 1") == 1


def test_two_dashboards_cannot_write_one_store(tmp_path, monkeypatch):
    monkeypatch.setattr(follow, "_STOP_S", 0.1)
    options = Options("127.0.0.1", 0, tmp_path / "s", 10, None, None)
    config = Config(settings=Settings(bootstrap_servers="127.0.0.1:1", metrics_port=0))
    with (
        serving(config, options),
        pytest.raises(UserError, match="is written by another dashboard"),
        serving(config, options),
    ):
        pass
    with serving(config, options):
        pass


def test_a_page_that_is_open_does_not_keep_the_dashboard_from_ending_in_order(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(follow, "_STOP_S", 0.1)
    options = Options("127.0.0.1", 0, tmp_path / "s", 10, None, None)
    config = Config(settings=Settings(bootstrap_servers="127.0.0.1:1", metrics_port=0))
    with serving(config, options) as page:
        server = threading.Thread(target=page.run)
        server.start()
        with closing(stream(page.listening.getsockname()[1])) as client:
            answer = client.getresponse()
            page.stop()
            assert answer.read().endswith(b"\n\n")
        server.join(20)
        assert not server.is_alive()
    assert "Exception in ASGI application" not in caplog.text
