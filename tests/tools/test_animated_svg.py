import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tools.animated_svg import animated, hurried
from tools.record_demo import INCIDENT, MOST_BYTES, PICTURE
from tools.recording import Frame, Recording, Run

SVG = "{http://www.w3.org/2000/svg}"
HEAD = (Run(0, "  a < b", "red", is_bold=True),)
FRAMES = [
    Frame(10.0, (HEAD, ())),
    Frame(11.5, (HEAD, (Run(4, "new", "default", is_bold=False),))),
    Frame(12.0, ((), HEAD)),
]


@pytest.fixture(scope="module")
def picture() -> ET.Element:
    return ET.fromstring(animated(FRAMES, 20, 2, "a & b", last_s=2.0))  # noqa: S314  of our own making


def test_each_line_is_there_once_and_each_frame_refers_to_its_lines(picture):
    lines = picture.findall(f"{SVG}defs/{SVG}g")
    assert [["".join(text.itertext()) for text in line] for line in lines] == [["a < b"], ["new"]]
    frames = picture.findall(f"{SVG}g/{SVG}g")
    assert [[use.get("href") for use in frame] for frame in frames] == [["#l0"], ["#l0", "#l1"], ["#l0"]]


def test_text_begins_in_its_column_and_is_as_wide_as_its_columns(picture):
    [text] = picture.find(f"{SVG}defs/{SVG}g[@id='l0']")
    assert (text.get("x"), text.get("textLength"), text.get("class")) == ("16", "40", "b")


def test_frames_are_shown_when_they_were_recorded_and_the_last_one_for_its_time(picture):
    style = picture.find(f"{SVG}style").text
    assert "animation:m 4.00s infinite step-end" in style
    width = 20 * 8 + 24
    assert re.findall(r"([\d.]+)%\{transform:translateX\((-?\d+)px\)", style) == [
        ("0.000", "0"), ("37.500", str(-width)), ("50.000", str(-2 * width)), ("100", str(-2 * width)),
    ]  # fmt: skip


def test_waiting_is_cut_short():
    assert [frame.at_s for frame in hurried(FRAMES, 1.0)] == [0.0, 1.0, 1.5]


def test_who_wants_no_motion_sees_the_last_frame(picture):
    assert "@media(prefers-reduced-motion){.s{animation:none;transform:translateX(-368px)}}" in (
        picture.find(f"{SVG}style").text
    )


def test_a_program_is_recorded_with_its_colours_and_what_was_typed():
    program = "print('\\x1b[31;1mred\\x1b[0m plain', input())"
    with Recording([sys.executable, "-c", program], 40, 4, {}) as recorded:
        recorded.type("typed\r", 0)
        assert recorded.watch(lambda: "plain typed" in recorded.text, 30)
    last = recorded.frames[-1].lines
    assert (Run(0, "red", "red", is_bold=True), Run(3, " plain typed", "default", is_bold=False)) in last


def test_the_picture_of_the_readme_is_small_and_shows_the_demo_and_an_explanation():
    text = Path(PICTURE).read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    words = " ".join("".join(one.itertext()) for one in ET.fromstring(text).iter(f"{SVG}text"))  # noqa: S314
    for told in ("Kafka tracing demo", "went back", "open incident", "$ tracing-aggregator explain", "Incident"):
        assert told in words


def test_the_incident_to_explain_is_found_on_the_screen():
    screen = """\
✗ 02:35:40 2 messages of orders written twice by one client
✗ 02:36:05 shipping went back 60 offsets in orders: 57 messages read again
  tracing-aggregator explain orders/2/6 -b 127.0.0.1:55185
"""
    assert INCIDENT.search(screen).groups() == ("orders/2/6", "127.0.0.1:55185")
