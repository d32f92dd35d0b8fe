"""Files that mean harm, or are broken: memory stays bounded, and a dead letter says why.

Memory is that of a process of its own, whose address space is limited too: it fails rather than take the machine along.
"""

import gzip
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.envelope_lines import KEPT_BYTES, MAX_LINE_BYTES, Unreadable, read_lines
from tests.pipeline.test_sources import MESSAGE, TRACE, offsets, read

_MEGABYTE = 2**20
_LIMIT = 4096 * _MEGABYTE
#: A replay of nothing takes some 250 MB: Beam and its runner.
_CEILING = 450 * _MEGABYTE


def replayed(folder: Path, path: Path) -> tuple[list[dict], int]:
    """The dead letters of a `replay` of this file in a process of its own, and the most memory that it held."""
    command = [
        sys.executable,
        "-m",
        "tracing_aggregator.cli.main",
        "replay",
        str(path),
        "--output",
        str(folder / "out"),
    ]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_LIMIT, _LIMIT)),  # noqa: PLW1509  no threads yet
        cwd=Path(__file__).parents[2],
    )
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    lines = (folder / "out" / "_traceDeadLetter.jsonl").read_text().splitlines()
    return [json.loads(json.loads(line)["payload"]) for line in lines], usage.ru_maxrss * 1024


def bomb(path: Path) -> None:
    """Half a megabyte of gzip that gives 512 MB of zeros."""
    chunk = bytes(_MEGABYTE)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(TRACE)
        for _ in range(512):
            file.write(chunk)


def one_huge_line(path: Path) -> None:
    """A record of 100 MB, and one behind it."""
    with path.open("wb") as file:
        file.write(b'{"topic":"_tracing","payload":"')
        for _ in range(100):
            file.write(b"x" * _MEGABYTE)
        file.write(b'"}\n' + MESSAGE)


@pytest.mark.parametrize(("make", "line"), [(bomb, 2), (one_huge_line, 1)], ids=["gzip bomb", "record of 100 MB"])
def test_memory_stays_bounded_and_a_dead_letter_says_that_it_is_too_large(tmp_path, make, line):
    make(tmp_path / "file")
    letters, held = replayed(tmp_path, tmp_path / "file")
    assert held < _CEILING
    assert ("too-large", line) in [(letter["reason"], letter["offset"]) for letter in letters]


def test_what_comes_after_a_line_that_is_too_long_is_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(TRACE + b"x" * (2 * MAX_LINE_BYTES + 5) + b"\n" + MESSAGE)
    outputs = read(str(path))
    (letter,) = outputs["dead_letters"]
    assert (letter.reason, letter.record.offset, len(letter.record.value)) == ("too-large", 2, KEPT_BYTES)
    assert letter.detail.startswith(f"a line of {2 * MAX_LINE_BYTES + 6} bytes")
    assert (offsets(outputs["traces"]), offsets(outputs["messages"])) == ([1], [3])


def test_a_line_of_exactly_the_limit_is_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * (MAX_LINE_BYTES - 1) + b"\n" + TRACE)
    lines = [line for _, line in read_lines(str(path))]
    assert (len(lines), [line for line in lines if isinstance(line, Unreadable)]) == (2, [])


@pytest.mark.parametrize("keep", [-4, -9, 30])
def test_of_a_file_that_breaks_off_what_can_be_read_is_read(tmp_path, keep):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(TRACE * 500)[:keep])
    outputs = read(str(path))
    (letter,) = outputs["dead_letters"]
    assert letter.reason == "broken-file"
    assert letter.record.offset == len(outputs["traces"]) + 1


def test_a_gzip_file_of_common_traces_is_no_bomb_however_large_it_is(tmp_path):
    path = tmp_path / "file"
    line = b'{"topic":"_tracing","offset":1,"payload":"%b"}\n'
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(70):
            file.write(line % os.urandom(_MEGABYTE // 2).hex().encode())
    assert sum(isinstance(found, bytes) for _, found in read_lines(str(path))) == 70


@pytest.mark.parametrize("place", [{"offset": 2**64 - 1}, {"offset": -1}, {"offset": None}, {"partition": 2**31}])
def test_a_record_of_a_business_topic_lies_where_a_record_can_lie(tmp_path, place):
    path = tmp_path / "file"
    record = {"topic": "orders", "partition": 0, "offset": 3, "headers": ["correlationId", "x"]} | place
    path.write_text(json.dumps(record))
    outputs = read(str(path))
    assert outputs["messages"] == []
    assert [letter.reason for letter in outputs["dead_letters"]] == ["wrong-field"]
