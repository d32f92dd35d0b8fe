"""The topology in a browser: producers, topics and groups from left to right, and where a click leads."""

import json
from xml.etree import ElementTree as ET

import pytest

from tests.integration.browsing import MARKS, is_at, kept

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def test_the_overview_begins_with_the_topology_and_a_click_on_a_group_filters(page):
    page.goto("/")
    graph = page.get_by_role("region", name="Topology", exact=True)
    for name in ("producer web-1", "topic orders", "group shipping", "group accounting", "topic payments"):
        expect(graph.locator(f'a[aria-label^="{name}"]')).to_be_visible()
    expect(graph).to_contain_text("1 lost")
    expect(graph).to_contain_text("1 not read")
    graph.locator('a[aria-label^="group shipping"]').click()
    expect(page).to_have_url(is_at("/flows?…groupId=shipping"))
    expect(page.get_by_role("region", name="Topics and their groups")).not_to_contain_text("billing")


def test_the_topology_flows_from_left_to_right(page):
    page.goto("/topology")
    left = [
        page.locator(f'.graph a[aria-label^="{name}"] rect').first.bounding_box()["x"]
        for name in ("producer web-1", "topic orders", "group billing", "topic payments", "group accounting")
    ]
    assert left == sorted(left)


def test_an_edge_leads_to_its_traces(page):
    page.goto("/topology")
    page.locator('.graph a[aria-label^="orders to billing"]').click()
    expect(page).to_have_url(is_at("/traces?topic=orders&groupId=billing&type=CONSUME"))
    expect(page.locator("#view tbody tr").first).to_contain_text("billing")


def test_a_search_leaves_only_what_it_names_in_full_ink(page):
    page.goto("/topology")
    page.get_by_label("Find a node").fill("account")
    expect(page.locator('.graph a[aria-label^="producer web-1"]')).to_have_attribute("opacity", "0.15")
    expect(page.locator('.graph a[aria-label^="group accounting"]')).not_to_have_attribute("opacity", "0.15")


def test_the_topology_is_a_table_an_svg_and_json_too(page):
    page.goto("/topology")
    page.get_by_text("As a table").click()
    table = page.get_by_role("region", name="Edges of the topology")
    expect(table.locator("tbody tr")).to_have_count(7)
    drawing = ET.fromstring(kept(page, "Topology as SVG"))  # noqa: S314  of our own page
    assert "orders" in "".join(drawing.itertext())
    told = json.loads(kept(page, "Topology as JSON"))
    assert len(told["edges"]) == 7
