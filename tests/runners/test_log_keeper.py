"""Logs stay below their size while they are written, and are passed on in one form, without secrets."""

import json
import os
from pathlib import Path

import pytest

from pipeline.config.load import load_config
from pipeline.log_lines import Masker
from runners.log_keeper import LogKeeper, keeping_logs, secrets_of

#: Not those of hexadecimal numbers, which count as the same.
LETTERS = "ghijklmnopqrstuvwxyz"
LINE = "2026-11-27T02:11:00.123Z [Source (1/2)] WARN org.apache.flink.Task - Source failed"


def keeper(folder: Path, told: list[str] | None = None, **given) -> LogKeeper:
    fields = {"limit": 1000, "files": 3, "level": "info", "as_json": False, "mask": Masker(["open-sesame"])} | given
    return LogKeeper(folder, put=None if told is None else told.append, **fields)


def test_a_file_that_is_written_all_the_time_never_grows_beyond_its_size_and_number(tmp_path):
    keeping, limit = keeper(tmp_path), 1000
    # As a JVM has it: open from start to end, for appending.
    log = os.open(tmp_path / "flink.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    largest = 0
    for number in range(500):
        os.write(log, f"line {number:04} {'x' * 40}\n".encode() * 5)
        keeping.look()
        largest = max(largest, sum(file.stat().st_size for file in tmp_path.iterdir()))
    os.close(log)
    assert largest <= (limit + 500) * 4
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "flink.log",
        "flink.log.1",
        "flink.log.2",
        "flink.log.3",
    ]
    newest = (tmp_path / "flink.log.1").read_text() + (tmp_path / "flink.log").read_text()
    assert "line 0499" in newest


def test_every_line_is_passed_on_once_though_the_file_is_put_aside_meanwhile(tmp_path):
    told: list[str] = []
    keeping = keeper(tmp_path, told, limit=100)
    with (tmp_path / "flink.log").open("ab", buffering=0) as log:
        for name in LETTERS:
            log.write(f"{name * 30}\n{name.upper() * 10}".encode())
            keeping.look()
            log.write(b"!\n")
    keeping.look()
    lines = [line.rpartition(": ")[2] for line in told]
    assert lines == [text for name in LETTERS for text in (name * 30, name.upper() * 10 + "!")]


def test_lines_have_one_form_for_people_and_one_for_collectors(tmp_path):
    (tmp_path / "flink.log").write_text(LINE + "\n")
    for as_json in (False, True):
        told: list[str] = []
        keeper(tmp_path, told, as_json=as_json).look()
        [line] = told
        if as_json:
            assert json.loads(line) == {
                "time": "2026-11-27T02:11:00.123Z",
                "level": "warn",
                "component": "flink",
                "logger": "org.apache.flink.Task",
                "message": "Source failed",
            }
        else:
            assert line == "2026-11-27T02:11:00.123Z WARN  flink org.apache.flink.Task: Source failed"


def test_what_is_below_the_level_or_was_there_before_is_not_passed_on(tmp_path):
    told: list[str] = []
    file = tmp_path / "flink.log"
    file.write_text("old\n")
    keeping = keeper(tmp_path, told, level="error")
    keeping.skip()
    with file.open("a") as log:
        log.write(LINE + "\n" + LINE.replace("WARN", "ERROR") + "\n")
    keeping.look()
    assert [line.split()[1] for line in told] == ["ERROR"]


def test_secrets_are_masked(tmp_path):
    told: list[str] = []
    (tmp_path / "flink.log").write_text("login open-sesame, ssl.key.password = abc123 and on\n")
    keeper(tmp_path, told).look()
    assert told[0].endswith("login ***, ssl.key.password = *** and on")


def test_secrets_are_those_of_the_configuration_with_references_looked_up(monkeypatch):
    monkeypatch.setenv("KAFKA_LOGIN", "of-the-environment")
    given = ["sasl.jaas.config=${env:KAFKA_LOGIN}", "metrics.token=for-metrics"]
    assert set(secrets_of(load_config(None, os.environ, given))) >= {"of-the-environment", "for-metrics"}


@pytest.mark.parametrize("console", [True, False])
def test_a_run_passes_logs_on_where_that_is_wanted(tmp_path, console):
    told: list[str] = []
    config = load_config(None, {}, [f"state.dir={tmp_path}", f"log.console={console}", "application.id=a"])
    with keeping_logs(config, told.append):
        (tmp_path / "a" / "logs").mkdir(parents=True)
        (tmp_path / "a" / "logs" / "flink.log").write_text(LINE + "\n")
    assert [line.endswith("Source failed") for line in told] == [True] * console
