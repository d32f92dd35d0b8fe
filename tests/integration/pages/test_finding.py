"""Finding and sharing in a browser: by what people have, as CSV and JSON, as a link or a command."""

import csv
import json

import pytest

from tests.integration.browsing import MARKS, kept
from tests.tracing_aggregator.dashboard import shop

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def test_eight_characters_of_a_correlation_id_find_the_message_while_they_are_typed(page):
    page.goto("/")
    page.get_by_label("Where is my message?").fill(shop.name_of(7)[:8])
    expect(page.get_by_role("option", name=shop.name_of(7))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Message {shop.name_of(7)}")


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("orders-0@7", "Message orders/0/7"),
        ("accounting", "Flows"),
        ("web-2", "Client web-2"),
        ("orders/0", "Message orders/0/59"),
    ],
)
def test_a_place_a_group_or_a_client_is_found_by_its_name(page, text, heading):
    page.goto("/")
    page.get_by_label("Where is my message?").fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def test_what_is_not_found_says_why_and_what_to_type_with_the_broker_in_use(page):
    page.goto("/message?subject=orders/0/5000")
    expect(page.locator("#view")).to_contain_text("orders/0 ends at 59")
    page.wait_for_timeout(500)
    page.goto("/message?subject=ordres/0/1")
    expect(page.locator("#view")).to_contain_text("Did you mean orders?")


def test_every_table_is_a_csv_and_json_too(page):
    page.goto("/incidents")
    rows = list(csv.reader(kept(page, "Incidents as CSV").splitlines()))
    assert rows[0][1] == "what happened"
    assert rows[1][1] == "shipping went back 10 offsets in orders: 10 messages read again"
    assert [one["reason"] for one in json.loads(kept(page, "Incidents as JSON"))] == ["rewound", "lost"]


def test_a_link_a_correlation_id_and_the_command_are_copied(page):
    page.goto("/message?subject=orders/0/7")
    for button, text in (
        ("Copy link", page.url),
        ("Copy correlationId", shop.name_of(7)),
        ("Copy explain command", "tracing-aggregator explain orders/0/7 -o bootstrap.servers=broker-1:9092"),
    ):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("button", name="Copied").first).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == text


def test_the_api_has_a_page_that_names_each_answer(page):
    page.goto("/")
    page.get_by_role("link", name="API").click()
    for path in ("/api/v1/topology", "/api/v1/incidents", "/api/v1/lag"):
        expect(page.locator("#view")).to_contain_text(f"GET {path}")


def test_local_time_is_a_switch_that_is_remembered(new_page):
    page = new_page(timezone_id="Asia/Tokyo")
    page.goto("/traces?type=SEND")
    cell = page.locator("#view tbody td").first
    utc = cell.inner_text()
    page.get_by_role("button", name="Times: UTC").click()
    expect(page.locator("#view thead")).to_contain_text("date (local time)")
    page.reload()
    expect(page.locator("#view thead")).to_contain_text("date (local time)")
    hours = {text: int(text[11:13]) for text in (utc, cell.inner_text())}
    assert (hours[cell.inner_text()] - hours[utc]) % 24 == 9
