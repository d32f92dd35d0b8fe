"""What people do with the pages: see the topology, find slow messages and incidents, filter, zoom, find, export."""

import csv
import json
import time
from math import log10
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.integration.browsing import (  # noqa: F401  fixtures
    MARKS,
    NARROW,
    PAGES,
    address,
    browser,
    is_at,
    job,
    made,
    new_page,
    page,
)  # fmt: skip
from tests.tracing_aggregator.dashboard import shop
from tests.tracing_aggregator.dashboard.stores import ANOMALIES
from transforms.dates import date_of

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def kept(page, button: str) -> str:  # noqa: F811
    """The text of the file that a button gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path()).read_text()


# Topology


def test_the_overview_begins_with_the_topology_and_a_click_on_a_group_filters(page):  # noqa: F811
    page.goto("/")
    graph = page.get_by_role("region", name="Topology", exact=True)
    for name in ("producer web-1", "topic orders", "group shipping", "group accounting", "topic payments"):
        expect(graph.locator(f'a[aria-label^="{name}"]')).to_be_visible()
    expect(graph).to_contain_text("1 lost")
    expect(graph).to_contain_text("1 not read")
    graph.locator('a[aria-label^="group shipping"]').click()
    expect(page).to_have_url(is_at("/flows?…groupId=shipping"))
    expect(page.get_by_role("region", name="Topics and their groups")).not_to_contain_text("billing")


def test_the_topology_flows_from_left_to_right(page):  # noqa: F811
    page.goto("/topology")
    left = [
        page.locator(f'.graph a[aria-label^="{name}"] rect').first.bounding_box()["x"]
        for name in ("producer web-1", "topic orders", "group billing", "topic payments", "group accounting")
    ]
    assert left == sorted(left)


def test_an_edge_leads_to_its_traces(page):  # noqa: F811
    page.goto("/topology")
    page.locator('.graph a[aria-label^="orders to billing"]').click()
    expect(page).to_have_url(is_at("/traces?topic=orders&groupId=billing&type=CONSUME"))
    expect(page.locator("#view tbody tr").first).to_contain_text("billing")


def test_a_search_leaves_only_what_it_names_in_full_ink(page):  # noqa: F811
    page.goto("/topology")
    page.get_by_label("Find a node").fill("account")
    expect(page.locator('.graph a[aria-label^="producer web-1"]')).to_have_attribute("opacity", "0.15")
    expect(page.locator('.graph a[aria-label^="group accounting"]')).not_to_have_attribute("opacity", "0.15")


def test_the_topology_is_a_table_an_svg_and_json_too(page):  # noqa: F811
    page.goto("/topology")
    page.get_by_text("As a table").click()
    table = page.get_by_role("region", name="Edges of the topology")
    expect(table.locator("tbody tr")).to_have_count(7)
    drawing = ET.fromstring(kept(page, "Topology as SVG"))  # noqa: S314  of our own page
    assert "orders" in "".join(drawing.itertext())
    told = json.loads(kept(page, "Topology as JSON"))
    assert len(told["edges"]) == 7


# Slow messages


def test_the_slowest_of_a_group_are_one_click_away(page):  # noqa: F811
    page.goto("/flows")
    page.get_by_role("row", name="shipping").first.get_by_role("link", name="show").click()
    expect(page).to_have_url(is_at("/traces?…groupId=shipping&type=CONSUME&sort=duration"))
    expect(page.locator("#view tbody tr").first).to_contain_text(f"orders/0/{shop.SLOW}")
    expect(page.locator(".plot canvas")).to_be_visible()


def test_a_minimum_duration_leaves_out_what_was_fast(page):  # noqa: F811
    page.goto("/traces")
    page.get_by_label("Took at least (ms)").fill("1000")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#view tbody tr")).to_have_count(2)


def test_a_click_on_a_square_of_the_heatmap_opens_exactly_its_traces(page):  # noqa: F811
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


# Incidents


def test_a_rewind_and_a_lost_message_are_a_line_each(page):  # noqa: F811
    page.goto("/incidents")
    rows = page.locator("#view tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("shipping went back 10 offsets in orders: 10 messages read again")
    expect(rows.nth(1)).to_contain_text("billing and shipping did not read it")


def test_an_incident_is_acknowledged_and_opened_again(page):  # noqa: F811
    page.goto("/incidents?reason=lost")
    page.get_by_role("button", name="Acknowledge: 1 message").click()
    expect(page.locator(".empty")).to_contain_text("1 acknowledged")
    page.locator("#filter-state").select_option("acknowledged")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("button", name="Open again").click()
    expect(page.locator(".empty")).to_contain_text("1 open")


def test_what_is_new_since_one_looked_is_marked_until_it_has_been_seen(page, made):  # noqa: F811
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


def test_a_message_names_its_incident(page):  # noqa: F811
    page.goto(f"/message?subject=orders/0/{shop.LOST}")
    page.get_by_role("link", name="1 message of orders lost").click()
    expect(page).to_have_url(is_at("/incidents?reason=lost"))


# Filters and ranges


def test_the_overview_of_a_topic_has_its_numbers_and_the_filter_stays_from_page_to_page(page):  # noqa: F811
    page.goto("/")
    page.locator("#filter-topic").select_option("payments")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".tiles div", has_text="Expected")).to_contain_text("28")
    expect(page.locator(".tiles div", has_text="Consumed").first).to_contain_text("2 still in flight")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Flows").click()
    expect(page).to_have_url(is_at("/flows?topic=payments"))
    expect(page.get_by_role("region", name="Consumer lag")).to_contain_text("accounting")


def test_a_client_has_a_page(page):  # noqa: F811
    page.goto("/")
    page.get_by_role("region", name="Number of traces by client").get_by_role("link", name="web-1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Client web-1")
    expect(page.locator(".tiles div", has_text="SEND")).to_contain_text("30")


def test_drawing_on_a_chart_zooms_and_older_and_newer_move(page):  # noqa: F811
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


def test_a_range_is_typed_and_its_numbers_are_compared_with_those_before(page):  # noqa: F811
    page.goto("/")
    page.get_by_text("From … to …").click()
    page.locator("#between [name=from]").fill("2026-01-02T10:00")
    page.locator("#between [name=to]").fill("2026-01-02T10:30")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(is_at("minutes=30&until=1767349800000"))
    now = int(time.time() // 60) * 60_000
    page.goto(f"/?minutes=10&until={now + 10 * 60_000}&compare=true")
    expect(page.locator(".u-legend").first).to_contain_text("consumed before")


# Finding


def test_eight_characters_of_a_correlation_id_find_the_message_while_they_are_typed(page):  # noqa: F811
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
def test_a_place_a_group_or_a_client_is_found_by_its_name(page, text, heading):  # noqa: F811
    page.goto("/")
    page.get_by_label("Where is my message?").fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def test_what_is_not_found_says_why_and_what_to_type_with_the_broker_in_use(page):  # noqa: F811
    page.goto("/message?subject=orders/0/5000")
    expect(page.locator("#view")).to_contain_text("orders/0 ends at 59")
    page.wait_for_timeout(500)
    page.goto("/message?subject=ordres/0/1")
    expect(page.locator("#view")).to_contain_text("Did you mean orders?")


# Export and share


def test_every_table_is_a_csv_and_json_too(page):  # noqa: F811
    page.goto("/incidents")
    rows = list(csv.reader(kept(page, "Incidents as CSV").splitlines()))
    assert rows[0][1] == "what happened"
    assert rows[1][1] == "shipping went back 10 offsets in orders: 10 messages read again"
    assert [one["reason"] for one in json.loads(kept(page, "Incidents as JSON"))] == ["rewound", "lost"]


def test_a_link_a_correlation_id_and_the_command_are_copied(page):  # noqa: F811
    page.goto("/message?subject=orders/0/7")
    for button, text in (
        ("Copy link", page.url),
        ("Copy correlationId", shop.name_of(7)),
        ("Copy explain command", "tracing-aggregator explain orders/0/7 -o bootstrap.servers=broker-1:9092"),
    ):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("button", name="Copied").first).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == text


def test_the_api_has_a_page_that_names_each_answer(page):  # noqa: F811
    page.goto("/")
    page.get_by_role("link", name="API").click()
    for path in ("/api/v1/topology", "/api/v1/incidents", "/api/v1/lag"):
        expect(page.locator("#view")).to_contain_text(f"GET {path}")


def test_local_time_is_a_switch_that_is_remembered(new_page):  # noqa: F811
    page = new_page(timezone_id="Asia/Tokyo")  # noqa: F811
    page.goto("/traces?type=SEND")
    cell = page.locator("#view tbody td").first
    utc = cell.inner_text()
    page.get_by_role("button", name="Times: UTC").click()
    expect(page.locator("#view thead")).to_contain_text("date (local time)")
    page.reload()
    expect(page.locator("#view thead")).to_contain_text("date (local time)")
    hours = {text: int(text[11:13]) for text in (utc, cell.inner_text())}
    assert (hours[cell.inner_text()] - hours[utc]) % 24 == 9


# When something is gone


def test_a_server_that_is_gone_makes_every_page_red_and_comes_back_by_itself(page):  # noqa: F811
    page.goto("/health")
    expect(page.locator("#view .well")).to_be_visible()
    page.route("**/api/v1/**", lambda route: route.abort())
    stale = page.locator("#stale")
    expect(stale).to_contain_text("Data as of ", timeout=15_000)
    expect(stale).to_contain_text("The dashboard does not answer.")
    assert page.locator("#view .well").evaluate("(one) => getComputedStyle(one).textDecorationLine") == "line-through"
    page.unroute("**/api/v1/**")
    expect(stale).to_be_hidden(timeout=15_000)


def test_a_job_that_is_gone_is_told_on_every_page(page, job):  # noqa: F811
    page.goto("/")
    page.wait_for_timeout(500)
    known = dict(job)
    job.clear()
    job["error"] = "Connection refused"
    try:
        for path in ("/", "/traces"):
            page.goto(path)
            expect(page.locator("#stale")).to_contain_text("The pipeline is gone", timeout=15_000)
    finally:
        job.clear()
        job.update(known)
    expect(page.locator("#stale")).to_be_hidden(timeout=15_000)


@pytest.mark.parametrize(("counters", "shown"), [({}, "held unknown"), ({"held_traces": 0}, "held 0")])
def test_held_traces_are_unknown_where_the_job_does_not_tell(page, job, counters, shown):  # noqa: F811
    known = dict(job)
    job["counters"] = counters
    try:
        page.goto("/health")
        expect(page.locator("#view")).to_contain_text(shown)
    finally:
        job.update(known)


def test_pausing_survives_a_reload(page):  # noqa: F811
    page.goto("/")
    page.get_by_role("button", name="Live").click()
    page.reload()
    expect(page.locator("#state")).to_have_text("paused")


def test_an_address_that_is_no_page_says_so_and_leads_on(page):  # noqa: F811
    page.goto("/no/such/page")
    expect(page.get_by_role("heading", level=1)).to_have_text("No such page")
    page.get_by_role("link", name="overview", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_filter_that_cannot_be_is_told_on_the_page(page):  # noqa: F811
    page.goto("/traces?minMs=fast")
    expect(page.locator("#error")).to_contain_text("minMs")
    page.get_by_role("link", name="Show the page without filters").click()
    expect(page.locator("#view tbody tr").first).to_be_visible()


def test_on_a_phone_tables_are_cards_and_nothing_is_wider_than_the_screen(new_page):  # noqa: F811
    page = new_page(**NARROW)  # noqa: F811
    for path in PAGES:
        page.goto(path)
        expect(page.locator("#view")).not_to_contain_text("Loading")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page.goto("/incidents")
    assert page.locator("#view tbody tr").first.evaluate("(one) => getComputedStyle(one).display") == "block"
    expect(page.locator("#view thead")).to_be_hidden()


def test_clocks_are_told_in_words(page):  # noqa: F811
    page.goto("/health")
    expect(page.get_by_role("region", name="Clocks")).to_contain_text(
        "billing-1's clock is 8 ms to 12 ms behind web-1's"
    )


def test_the_first_page_is_painted_within_a_second_from_a_warm_store(page):  # noqa: F811
    page.goto("/")
    page.locator(".graph svg").wait_for()
    page.reload()
    page.locator(".graph svg").wait_for()
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 1000


def test_the_scripts_are_plain_modules_below_250_kb():
    static = Path(__file__).parents[2] / "tracing_aggregator" / "dashboard" / "static"
    scripts = list(static.rglob("*.js"))
    assert sum(script.stat().st_size for script in scripts) < 250_000
    for script in static.glob("vendor/*.js"):
        assert (script.parent / f"{script.stem}-LICENSE.txt").is_file(), script


def test_the_moving_picture_of_an_incident_is_below_2_mb():
    picture = Path(__file__).parent.parent.parent / "docs" / "screenshots" / "incident.svg"
    assert picture.stat().st_size < 2_000_000
    assert len(ET.parse(picture).findall(".//{http://www.w3.org/2000/svg}image")) == 4  # noqa: S314  of ours


def test_who_may_only_look_is_told_so_where_an_incident_would_be_acknowledged(page):  # noqa: F811
    refused = {"status": 403, "body": "This token only reads."}
    page.route("**/api/v1/acknowledged*", lambda route: route.fulfill(**refused))
    page.goto("/incidents?reason=lost")
    page.get_by_role("button", name="Acknowledge: 1 message").click()
    expect(page.locator("#view tbody")).to_contain_text("This token only reads.")
