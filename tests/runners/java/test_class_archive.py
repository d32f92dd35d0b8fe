import os
import time
from pathlib import Path

import pytest

from runners.java import class_archive
from runners.java.java_process import JavaProcess

# Stands for a Java without an archive of its own: it writes what it is asked to write, then runs its argument.
FAKE_JAVA = """#!/bin/sh
for option; do case "$option" in
  -Xshare:dump) dump=yes ;;
  -XX:SharedArchiveFile=*) shared=${option#*=} ;;
  -XX:ArchiveClassesAtExit=*) recorded=${option#*=} ;;
esac; done
[ -n "$dump" ] && { echo base >"$shared"; exit; }
echo "shared $(basename "$shared")" "${recorded:+records}"
[ -n "$recorded" ] && echo classes >"$recorded"
while [ "$1" != "-cp" ]; do shift; done
exec sh -c "$4"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(class_archive, "FOLDER", tmp_path / "classes")
    return tmp_path / "classes"


@pytest.fixture
def java(tmp_path: Path, folder: Path) -> Path:
    file = tmp_path / "home" / "bin" / "java"
    file.parent.mkdir(parents=True)
    file.write_text(FAKE_JAVA)
    file.chmod(0o755)
    return file


def start(java: Path, script: str = "true", *options: str) -> JavaProcess:
    log = java.parent / "log"
    log.unlink(missing_ok=True)
    return JavaProcess(
        "Thing", java=java, jars=[], main="Main", arguments=[script], options=options, log=log, fast_start=True
    )


def said(process: JavaProcess) -> str:
    process.wait(60)
    return process.log.read_text().strip()


def test_the_first_run_records_and_the_next_uses_it(java: Path, folder: Path) -> None:
    assert said(start(java)).endswith("records")
    (base,), (archive,) = ([file for file in folder.glob("*.jsa") if file.read_text() == kind] for kind in KINDS)
    assert said(start(java)) == f"shared {archive.name}"
    assert archive != base


KINDS = ("base\n", "classes\n")


def test_other_options_have_an_archive_of_their_own(java: Path) -> None:
    said(start(java))
    assert said(start(java, "true", "-Xmx1g")).endswith("records")


def test_system_properties_share_an_archive(java: Path) -> None:
    said(start(java, "true", "-Dfolder=a"))
    assert not said(start(java, "true", "-Dfolder=b")).endswith("records")


def test_a_replaced_java_has_an_archive_of_its_own(java: Path) -> None:
    said(start(java))
    os.utime(java, (1, 1))
    assert said(start(java)).endswith("records")


def test_while_one_records_others_start_without(java: Path) -> None:
    with start(java, "sleep 60") as first:
        first.wait_until(lambda: b"records" in first.log.read_bytes(), 60)
        assert said(start(java)) == "shared"


def test_what_a_failed_run_recorded_is_thrown_away(java: Path, folder: Path) -> None:
    said(start(java, "exit 1"))
    assert not list(folder.glob("*.fresh"))
    assert said(start(java)).endswith("records")


def test_what_a_killed_run_recorded_is_thrown_away(java: Path) -> None:
    process = start(java, "sleep 60")
    process.wait_until(lambda: b"records" in process.log.read_bytes(), 60)
    process.kill()
    assert said(start(java)).endswith("records")


def test_what_nobody_needed_for_a_month_is_removed(java: Path, folder: Path) -> None:
    folder.mkdir()
    old, recent = folder / "old.jsa", folder / "recent.jsa"
    for file, days in ((old, 31), (recent, 29)):
        file.touch()
        os.utime(file, (0, time.time() - days * 86_400))
    said(start(java))
    assert (old.exists(), recent.exists()) == (False, True)


def test_without_a_folder_to_write_it_starts_all_the_same(
    java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(class_archive, "FOLDER", tmp_path / "file" / "classes")
    assert said(start(java)) == "shared"
