"""Filters and ranges in a browser: kept from page to page, drawn, typed, compared."""

import time

import pytest

from tests.integration.browsing import MARKS, is_at

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def test_the_overview_of_a_topic_has_its_numbers_and_the_filter_stays_from_page_to_page(page):
    page.goto("/")
    page.locator("#filter-topic").select_option("payments")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".tiles div", has_text="Expected")).to_contain_text("28")
    expect(page.locator(".tiles div", has_text="Consumed").first).to_contain_text("2 still in flight")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Flows").click()
    expect(page).to_have_url(is_at("/flows?topic=payments"))
    expect(page.get_by_role("region", name="Consumer lag")).to_contain_text("accounting")


def test_a_client_has_a_page(page):
    page.goto("/")
    page.get_by_role("region", name="Number of traces by client").get_by_role("link", name="web-1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Client web-1")
    expect(page.locator(".tiles div", has_text="SEND")).to_contain_text("30")


def test_drawing_on_a_chart_zooms_and_older_and_newer_move(page):
    page.goto("/?minutes=15")
    plot = page.locator(".plot .u-over").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.72, box["y"] + 60, steps=5)
    page.mouse.up()
    expect(page).to_have_url(is_at("minutes=…&until="))
    [minutes, until] = page.evaluate(
        "['minutes', 'until'].map((name) => Number(new URLSearchParams(location.search).get(name)))"
    )
    assert 7 <= minutes <= 8
    page.get_by_role("button", name="Older").click()
    expect(page).to_have_url(is_at(f"until={until - minutes * 60_000}"))
    page.get_by_role("button", name="Newer").click()
    expect(page).to_have_url(is_at(f"until={until}"))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Flows").click()
    expect(page).to_have_url(is_at(f"/flows?minutes={minutes}&until={until}"))


def test_a_range_is_typed_and_its_numbers_are_compared_with_those_before(page):
    page.goto("/")
    page.get_by_text("From … to …").click()
    page.locator("#between [name=from]").fill("2026-01-02T10:00")
    page.locator("#between [name=to]").fill("2026-01-02T10:30")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(is_at("minutes=30&until=1767349800000"))
    now = int(time.time() // 60) * 60_000
    page.goto(f"/?minutes=10&until={now + 10 * 60_000}&compare=true")
    expect(page.locator(".u-legend").first).to_contain_text("consumed before")
