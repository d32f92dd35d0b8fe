"""Incidents in a browser: a line each, acknowledged, new since one looked."""

import time

import pytest

from tests.integration.browsing import MARKS, is_at
from tests.tracing_aggregator.dashboard import shop
from tests.tracing_aggregator.dashboard.stores import ANOMALIES
from transforms.input.dates import date_of

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def test_a_rewind_and_a_lost_message_are_a_line_each(page):
    page.goto("/incidents")
    rows = page.locator("#view tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("shipping went back 10 offsets in orders: 10 messages read again")
    expect(rows.nth(1)).to_contain_text("billing and shipping did not read it")


def test_the_number_of_findings_leads_to_all_of_them_with_the_consequences(page):
    page.goto("/incidents")
    rows = page.locator("#view tbody tr")
    expect(rows).to_have_count(2)
    for row in (0, 1):
        link = rows.nth(row).locator('a[href^="/anomalies"]')
        number = int(link.inner_text())
        link.click()
        expect(page.get_by_role("region", name="Anomalies", exact=True).locator("tbody tr")).to_have_count(number)
        page.go_back()
        expect(rows).to_have_count(2)


def test_an_incident_is_acknowledged_and_opened_again(page):
    page.goto("/incidents?reason=lost")
    page.get_by_role("button", name="Acknowledge: 1 message").click()
    expect(page.locator(".empty")).to_contain_text("1 acknowledged")
    page.locator("#filter-state").select_option("acknowledged")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("button", name="Open again").click()
    expect(page.locator(".empty")).to_contain_text("1 open")


def test_what_is_new_since_one_looked_is_marked_until_it_has_been_seen(page, made):
    page.goto("/incidents")
    expect(page.locator("#view")).to_contain_text("Nothing new since you last looked.")
    date = date_of(int(time.time() * 1000))
    place = {"topic": "orders", "partition": 0, "offset": 3, "groupId": "billing", "date": date}
    made.take(ANOMALIES, [{"id": "uncommitted:new", "reason": "uncommitted", **place}])
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Incidents (1 new)")
    expect(link).to_be_visible(timeout=15_000)
    expect(page.locator("#view")).to_contain_text("1 new since you last looked.")
    page.get_by_role("button", name="I have seen them").click()
    expect(page.locator("#view")).to_contain_text("Nothing new since you last looked.")
    made.take(ANOMALIES, [{"id": "uncommitted:new", "reason": "uncommitted", "resolved": True}])


def test_a_message_names_its_incident(page):
    page.goto(f"/message?subject=orders/0/{shop.LOST}")
    page.get_by_role("link", name="1 message of orders lost").click()
    expect(page).to_have_url(is_at("/incidents?reason=lost"))


def test_who_may_only_look_is_told_so_where_an_incident_would_be_acknowledged(page):
    refused = {"status": 403, "body": "This token only reads."}
    page.route("**/api/v1/acknowledged*", lambda route: route.fulfill(**refused))
    page.goto("/incidents?reason=lost")
    page.get_by_role("button", name="Acknowledge: 1 message").click()
    expect(page.locator("#view tbody")).to_contain_text("This token only reads.")
