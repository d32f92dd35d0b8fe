"""Slow messages in a browser: the slowest of a group, a least duration, a square of the heatmap."""

from math import log10

import pytest

from tests.integration.browsing import MARKS, is_at
from tests.tracing_aggregator.dashboard import shop

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def test_the_slowest_of_a_group_are_one_click_away(page):
    page.goto("/flows")
    page.get_by_role("row", name="shipping").first.get_by_role("link", name="show").click()
    expect(page).to_have_url(is_at("/traces?…groupId=shipping&type=CONSUME&sort=duration"))
    expect(page.locator("#view tbody tr").first).to_contain_text(f"orders/0/{shop.SLOW}")
    expect(page.locator(".plot canvas")).to_be_visible()


def test_a_minimum_duration_leaves_out_what_was_fast(page):
    page.goto("/traces")
    page.get_by_label("Took at least (ms)").fill("1000")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#view tbody tr")).to_have_count(2)


def test_a_click_on_a_square_of_the_heatmap_opens_exactly_its_traces(page):
    page.goto("/?minutes=15")
    told = page.request.get("/api/v1/overview?minutes=15").json()
    cell = max(told["heatmap"], key=lambda one: one["fromMs"])
    plot = page.locator(".plot .u-over").nth(1)
    plot.wait_for()
    box = plot.bounding_box()
    # The axis has whole decades around all values: 10 ms to 10 s.
    share = 1 - ((log10(cell["fromMs"]) + log10(cell["untilMs"])) / 2 - 1) / 3
    x = box["width"] * (cell["step"] + 0.5) / len(told["times"])
    plot.click(position={"x": x, "y": box["height"] * share})
    expect(page).to_have_url(is_at("/traces?type=CONSUME&since=…&minMs=8192&maxMs="))
    expect(page.locator("#view tbody tr")).to_have_count(cell["n"])
