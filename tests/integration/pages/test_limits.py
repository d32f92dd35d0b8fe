"""What the pages keep to: the width of a phone, a second until the first paint, the size of scripts and pictures."""

from xml.etree import ElementTree as ET

import pytest

from tests.integration.browsing import MARKS, NARROW, PAGES
from tests.integration.flink_processes import ROOT

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def test_on_a_phone_tables_are_cards_and_nothing_is_wider_than_the_screen(new_page):
    page = new_page(**NARROW)
    for path in PAGES:
        page.goto(path)
        expect(page.locator("#view")).not_to_contain_text("Loading")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page.goto("/incidents")
    assert page.locator("#view tbody tr").first.evaluate("(one) => getComputedStyle(one).display") == "block"
    expect(page.locator("#view thead")).to_be_hidden()


def test_on_a_phone_the_name_of_the_page_is_in_sight_among_those_of_all(new_page):
    page = new_page(**NARROW)
    for path in ("/health", "/", "/pathways"):
        page.goto(path)
        box = page.locator("nav [aria-current]").bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 360, path


def test_the_first_page_is_painted_within_a_second_from_a_warm_store(page):
    page.goto("/")
    page.locator(".graph svg").wait_for()
    page.reload()
    page.locator(".graph svg").wait_for()
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 1000


def test_the_scripts_are_plain_modules_below_250_kb():
    static = ROOT / "tracing_aggregator" / "dashboard" / "static"
    assert 100_000 < sum(script.stat().st_size for script in static.rglob("*.js")) < 250_000
    vendored = list(static.glob("vendor/*.js"))
    assert vendored
    for script in vendored:
        assert (script.parent / f"{script.stem}-LICENSE.txt").is_file(), script


def test_the_moving_picture_of_an_incident_is_below_2_mb():
    picture = ROOT / "docs" / "screenshots" / "incident.svg"
    assert picture.stat().st_size < 2_000_000
    assert len(ET.parse(picture).findall(".//{http://www.w3.org/2000/svg}image")) == 4  # noqa: S314  of ours
