"""One archive with all that can be had, and without a secret."""

import tarfile
from pathlib import Path

from click.testing import CliRunner

from tracing_aggregator.cli.main import main
from tracing_aggregator.doctor.archive import Part, written
from tracing_aggregator.doctor.parts import TAIL_BYTES, tail


def members(file: Path) -> dict[str, str]:
    with tarfile.open(file) as archive:
        files = {one.name.partition("/")[2]: archive.extractfile(one) for one in archive.getmembers()}
        return {name: file.read().decode() for name, file in files.items() if file}


def test_what_cannot_be_had_says_why_and_the_rest_is_there(tmp_path):
    def fails() -> str:
        raise OSError("no broker")

    told: list[str] = []
    file = tmp_path / "report.tar.gz"
    parts = [Part("a.txt", fails), Part("b.txt", lambda: "secret 1\nline 2")]
    failed = written(parts, file, lambda line: line.replace("secret", "***"), told.append)
    assert (failed, told) == (["a.txt"], ["a.txt", "b.txt"])
    assert members(file) == {"a.txt": "This could not be made: OSError: no broker\n", "b.txt": "*** 1\nline 2"}


def test_without_a_broker_and_a_job_it_still_has_versions_settings_state_and_logs(tmp_path):
    logs = tmp_path / "state" / "me" / "logs"
    logs.mkdir(parents=True)
    (logs / "flink.log").write_text("login failed for top-secret\n")
    file = tmp_path / "report.tar.gz"
    given = [
        *("bootstrap.servers=127.0.0.1:1", f"state.dir={tmp_path / 'state'}", "application.id=me", "metrics.port=1"),
        "sasl.jaas.config=x required password='top-secret';",
        "metrics.token=top-secret",
    ]
    flags = [word for one in given for word in ("-o", one)]
    ended = CliRunner().invoke(main, ["doctor", "--output", str(file), *flags])
    assert ended.exit_code == 0, ended.output
    assert ended.stdout == f"{file}\n"
    found = members(file)
    assert {"versions.json", "settings.txt", "state.txt", "check.json", "topics.json", "logs/flink.log"} <= found.keys()
    assert "application.id=me" in found["settings.txt"]
    assert "apache-beam" in found["versions.json"]
    assert "could not be made" in found["topics.json"]
    assert found["logs/flink.log"] == "login failed for ***\n"
    assert not any("top-secret" in text for text in found.values())


def test_of_a_long_log_the_end_is_taken_in_whole_lines(tmp_path):
    file = tmp_path / "long.log"
    file.write_text("".join(f"line {number}\n" for number in range(200_000)))
    text = tail(file)
    assert text.startswith("line ")
    assert (text.endswith("line 199999\n"), len(text) <= TAIL_BYTES) == (True, True)
