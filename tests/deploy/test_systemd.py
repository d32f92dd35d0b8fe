"""The units, as systemd's own tools judge them; and that what they say fits the program."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.artefacts import DEPLOY, as_understood, parse

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
ANALYZE = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(ANALYZE is None, reason="there is no systemd-analyze on the PATH")
#: Of 10; systemd calls anything below 2 "OK".
EXPOSED_AT_MOST = 1.5
units = pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])


@pytest.fixture
def here(unit: Path, tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    program = Path(sys.executable).with_name("tracing-aggregator")
    text = unit.read_text(encoding="utf-8").replace("/opt/tracing-aggregator/bin/tracing-aggregator", str(program))
    copy = tmp_path / unit.name
    copy.write_text(text, encoding="utf-8")
    return copy


def values(unit: Path, name: str) -> list[str]:
    text = unit.read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@with_systemd
@units
def test_systemd_understands_the_unit(here):
    ended = subprocess.run([str(ANALYZE), "verify", str(here)], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@with_systemd
@units
def test_little_is_exposed(here):
    ended = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--no-pager", str(here)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    [exposure] = re.findall(r"Overall exposure level for \S+: ([\d.]+)", ended.stdout)
    assert float(exposure) <= EXPOSED_AT_MOST


@units
def test_its_command_is_one_of_ours_and_its_variables_are_settings(unit):
    [command] = values(unit, "ExecStart")
    parse(command.split()[1:])
    variables = [pair for line in values(unit, "Environment") for pair in line.split()]
    as_understood({name: value for name, _, value in (pair.partition("=") for pair in variables)} | _BROKERS)


@units
def test_nobody_but_this_machine_gets_through_and_it_runs_as_a_user_of_its_own(unit):
    assert values(unit, "IPAddressDeny") == ["any"]
    assert values(unit, "IPAddressAllow") == ["localhost"]
    assert values(unit, "User") == ["tracing-aggregator"]
    assert values(unit, "NoNewPrivileges") == ["yes"]


_BROKERS = {"KAFKATRACE_BOOTSTRAP_SERVERS": "kafka:9092"}
