import json
import socketserver
import threading
from contextlib import contextmanager

import click
import pytest
from click.testing import CliRunner

from pipeline.config.load import Config, load_config
from pipeline.errors import UserError
from tracing_aggregator.cli.config_options import config_options, with_brokers
from tracing_aggregator.cli.main import main


def invoked(*arguments: str):
    return CliRunner().invoke(main, arguments)


def test_b_is_short_for_the_brokers():
    shown = json.loads(invoked("settings", "--json", "-b", "kafka:9093").stdout)
    assert {row["name"]: row["value"] for row in shown["settings"]}["bootstrap.servers"] == "kafka:9093"


def test_commands_that_an_error_proposes_get_the_brokers_in_use():
    @click.command()
    @config_options
    def failing(config: Config) -> None:
        raise UserError("It broke.", "Look: tracing-aggregator check")

    with pytest.raises(UserError, match="Look: tracing-aggregator check -b k:1"):
        failing.main(["-b", "k:1"], standalone_mode=False)


@pytest.mark.parametrize(
    ("overrides", "proposed"),
    [
        ((), "Create it: tracing-aggregator topics; then: tracing-aggregator run"),
        (
            ("bootstrap.servers=k:1",),
            "Create it: tracing-aggregator topics -b k:1; then: tracing-aggregator run -b k:1",
        ),
    ],
)
def test_a_proposed_command_is_one_to_type_as_it_is(overrides, proposed):
    config = load_config(None, {}, overrides)
    said = "Create it: tracing-aggregator topics CONFIG.properties; then: tracing-aggregator run"
    assert with_brokers(said, config) == proposed


def test_a_proposed_command_gets_the_configuration_file(tmp_path):
    file = tmp_path / "c.properties"
    file.write_text("bootstrap.servers=k:1\n")
    config = load_config(file, {}, ())
    assert with_brokers("tracing-aggregator check", config, file) == f"tracing-aggregator check {file}"


def test_commands_that_take_no_configuration_stay_as_they_are():
    config = load_config(None, {}, ("bootstrap.servers=k:1",))
    said = "tracing-aggregator broker --port 9192, tracing-aggregator replay -, tracing-aggregator run -b x:1"
    assert with_brokers(said, config) == said


class _Web(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        if self.request.recv(1024).startswith(b"GET "):
            self.request.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")


@contextmanager
def web_server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("command", ["tail", "check"])
def test_a_web_server_in_place_of_a_broker_is_recognised(command):
    with web_server() as address:
        shown = invoked(command, "-b", address)
    assert shown.exit_code in {1, 2}
    assert f"{address} answers in HTTP: it is a web server, not a Kafka broker." in shown.output
    assert "Name the brokers' own port" in shown.output


@pytest.mark.parametrize("option", ["--start-anew", "--from-savepoint=/somewhere"])
def test_what_keeps_no_state_refuses_options_about_it(option):
    ended = CliRunner().invoke(main, ["run", "--runner=direct", option])
    assert ended.exit_code == 2
    assert f"Leave {option.partition('=')[0]} out, or take --runner=flink." in ended.output
