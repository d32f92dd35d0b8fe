import json
from io import StringIO

import pytest
from rich.console import Console

from pipeline.config.settings import Settings
from tests.tracing_aggregator.dashboard.stores import topic_minute
from tests.tracing_aggregator.demo.test_incidents import AGAIN, REWIND
from tests.tracing_aggregator.demo.test_messages import order
from tracing_aggregator.demo.incidents import QUIET_S
from tracing_aggregator.demo.screen import JsonScreen, Screen
from tracing_aggregator.demo.terminal import Terminal
from transforms.input.records import KafkaRecord

SETTINGS = Settings().model_copy(update={"bootstrap_servers": "k:1"})
PAGE = "http://127.0.0.1:8090/"
MINUTE = "2026-01-02T23:30:00.000Z"
NOW_MS = 1_767_396_620_000


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def arrivals(topic: str, *values: dict) -> list[KafkaRecord]:
    return [KafkaRecord(topic, 0, 0, 0, b"{}", json.dumps(value).encode()) for value in values]


def shown_on(screen: Screen, time: Time) -> None:
    """A minute of statistics, a message, and a rewind."""
    screen.begin(SETTINGS, PAGE)
    screen.take(arrivals("_traceStats", topic_minute(MINUTE, produced=12)))
    screen.take(arrivals("_aggregatedTrace", *order()))
    screen.take(arrivals("_traceAnomaly", *AGAIN, REWIND))
    time.now += QUIET_S
    screen.take([])
    time.now += 10
    screen.refresh()


def test_into_a_pipe_it_is_a_line_for_each_message_and_incident_and_totals_go_to_stderr(capsys):
    time = Time()
    shown_on(Screen(clock=time, wall_ms=lambda: NOW_MS), time)
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "✓ 00:00:00 01234567 p1 → billing 30ms",
        "✗ 00:00:00 shipping went back 21 offsets in orders: 20 messages read again",
        "  tracing-aggregator explain orders/0/30 -b k:1",
    ]
    assert err.splitlines() == [
        "produced 12  expected 0  consumed 0  over 0  under 0  in flight 0  p50 -  p99 -  1 open incident"
    ]


def test_the_fire_hose_is_every_trace_below_a_head(capsys):
    time = Time()
    shown_on(Screen(is_firehose=True, clock=time, wall_ms=lambda: NOW_MS), time)
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["TIME", "(UTC)", "TYPE"]
    assert [row.split()[1] for row in rows[:4]] == ["SEND", "ACK", "CONSUME", "COMMIT"]
    assert rows[4].startswith("✗ ")


def test_json_is_traces_alone(capsysbinary):
    time = Time()
    shown_on(JsonScreen(clock=time, wall_ms=lambda: NOW_MS), time)
    lines = capsysbinary.readouterr().out.splitlines()
    assert [json.loads(json.loads(line)["payload"])["type"] for line in lines] == ["SEND", "ACK", "CONSUME", "COMMIT"]


def drawn(height: int, *, width: int = 80, more: int = 0) -> list[str]:
    """The terminal as it is after all that, and so many more messages."""
    time = Time()
    console = Console(
        file=StringIO(), width=width, height=height, force_terminal=True, color_system=None, highlight=False
    )
    screen = Terminal(console, clock=time, wall_ms=lambda: NOW_MS)
    shown_on(screen, time)
    for offset in range(100, 100 + more):
        screen.take(arrivals("_aggregatedTrace", *order(offset, f"name{offset}")))
    with console.capture() as captured:
        console.print(screen)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_on_a_terminal_a_head_tells_addresses_totals_and_open_incidents():
    where, numbers, latency, incident, command, rule, *story = drawn(24)
    assert where.split() == ["Kafka", "tracing", "demo", PAGE, "broker", "k:1"]
    assert numbers.startswith("produced 12 ")
    assert latency.endswith("1 open incident")
    assert incident == "✗ 00:00:00 shipping went back 21 offsets in orders: 20 messages read again"
    assert command == "  tracing-aggregator explain orders/0/30 -b k:1"
    assert set(rule) == {"─"}
    assert story[0] == "✓ 00:00:00 01234567 p1 → billing 30ms"


@pytest.mark.parametrize("height", [10, 24])
def test_the_head_stays_and_the_newest_lines_are_below_it(height):
    lines = drawn(height, more=50)
    assert len(lines) == height
    assert lines[0].startswith("Kafka tracing demo")
    assert lines[-1] == "✓ 00:00:00 name149 p1 → billing 30ms"


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(width):
    assert all(len(line) <= width for line in drawn(24, width=width, more=3))
