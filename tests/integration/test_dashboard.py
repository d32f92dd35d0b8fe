"""The pages in a real Chromium, over what a replay made of genuine traces, and over records that arrive meanwhile."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from bench.dashboard.background import running
from runners.replay import replay
from tests.tracing_aggregator.dashboard.stores import ANOMALIES, SETTINGS, STATS, TRACES, Made, group_minute
from tests.tracing_aggregator.explain.cases import acked, consumed, found, sent
from tracing_aggregator.dashboard.api import application

DATA = Path(__file__).parent.parent / "data"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EVIL = '<img src=x onerror="document.title=1">'
MINUTE = "2026-11-22T14:54:00.000Z"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium"),
]
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    """Genuine traces, replayed, and findings made by hand."""
    import orjson

    folder = tmp_path_factory.mktemp("dashboard")
    replay([str(DATA / "real_traces.jsonl"), str(DATA / "real_messages.jsonl")], folder / "out", SETTINGS)
    made = Made(folder)
    for path in (folder / "out").iterdir():
        payloads = [orjson.loads(line)["payload"].encode() for line in path.read_bytes().splitlines()]
        made.take(path.stem, payloads)
    place = {"topic": "test", "partition": 1, "offset": 3, "correlationId": None, "date": MINUTE}
    made.take(ANOMALIES, [found("unconsumed", groupId="groupA", **place), found("late", resolved=True, **place)])
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(made) -> Iterator[str]:
    with running(application(made.reader, None)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(browser, address, request) -> Iterator["sync_api.Page"]:
    """A page; at the end of each test nothing may have been complained of, and nothing asked of another host."""
    context = browser.new_context(base_url=address, **getattr(request, "param", {}))
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(address) or complaints.append(asked.url))
    yield page
    context.close()
    assert complaints == []


PAGES = {
    "/": "Overview", "/topology": "Topology", "/flows": "Flows", "/traces": "Traces", "/incidents": "Incidents",
    "/anomalies": "Anomalies", "/pathways": "Pathways", "/health": "Pipeline health",
}  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_each_page_shows_itself_and_is_reached_from_any_other(page, path):
    page.goto("/message")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=PAGES[path]).click()
    expect(page).to_have_url(re.compile(re.escape(path) + r"(\?.*)?$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    expect(page.locator("#view")).not_to_contain_text("Loading")
    expect(page.locator("#view .panel, #view .empty").first).to_be_visible()
    expect(page.locator("#error")).to_be_hidden()


def test_the_overview_draws_its_charts_and_shows_shares(page):
    page.goto("/?minutes=60")
    expect(page.locator(".plot canvas")).to_have_count(4)
    expect(page.get_by_role("region", name="Share by group")).to_contain_text("groupA")
    expect(page.get_by_role("region", name="Traces by client")).to_contain_text("p1")
    expect(page.locator(".tiles")).to_contain_text("48")


def test_a_click_on_a_chart_leads_to_its_traces_and_on_to_a_message(page):
    page.goto("/?minutes=5")
    plot = page.locator(".plot .u-over").first
    plot.wait_for()
    box = plot.bounding_box()
    plot.click(position={"x": box["width"] - 2, "y": box["height"] / 2})
    expect(page).to_have_url(re.compile(r"/traces\?type=CONSUME&since=\d+&until=\d+"))
    page.goto("/traces?groupId=groupA&type=CONSUME")
    page.get_by_role("region", name="Traces").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Message test/")
    expect(page.locator(".timeline")).to_contain_text("CONSUME")


def test_a_search_shows_the_timeline_of_a_message_with_its_anomalies(page):
    page.goto("/")
    page.get_by_label("Where is my message?").fill("test/1/3")
    page.keyboard.press("Enter")
    expect(page.locator(".timeline .badge").first).to_have_text("SEND")
    expect(page.locator(".timeline .badge")).to_contain_text(["SEND", "ACK", "CONSUME", "COMMIT"])
    expect(page.locator("#view")).to_contain_text("unconsumed")


def test_what_is_not_known_names_the_next_command(page):
    # A 404 is the answer here, and the browser says so.
    page.route("**/api/v1/message*", lambda route: route.fulfill(content_type="application/json", body="null"))
    page.goto("/message?subject=nobody")
    expect(page.locator(".empty code")).to_have_text("tracing-aggregator explain nobody")


def test_traces_are_filtered_and_the_address_keeps_the_filter(page):
    page.goto("/traces")
    page.locator("#filter-clientId").select_option("p1")
    page.locator("#filter-type").select_option("ACK")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("clientId=p1&type=ACK"))
    expect(page.locator("#view tbody tr")).to_have_count(22)
    page.reload()
    expect(page.locator("#filter-type")).to_have_value("ACK")
    page.goto("/traces")
    expect(page.locator("#view tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(page.locator("#state")).to_have_text("as of then")
    page.go_back()
    expect(page.get_by_role("link", name="Newest")).to_have_count(0)


def test_an_anomaly_leads_to_its_message(page):
    page.goto("/anomalies")
    expect(page.locator("#view tbody tr").first).to_contain_text("unconsumed")
    page.get_by_role("region", name="Anomalies", exact=True).get_by_role("link", name="test/1/3").click()
    expect(page.locator(".timeline").first).to_be_visible()
    page.goto("/anomalies?state=resolved")
    expect(page.get_by_role("region", name="Anomalies", exact=True)).to_contain_text("late")


def test_what_arrives_is_shown_without_a_reload_but_never_moves_rows_under_the_focus(page, made):
    page.goto("/traces?topic=live")
    expect(page.locator(".empty")).to_be_visible()
    expect(page.locator("#state")).to_have_text("live")
    made.take(TRACES, [sent(topic="live"), acked(topic="live", id="live-a")])
    expect(page.locator("#view tbody tr")).to_have_count(2, timeout=10_000)
    page.get_by_role("link", name="live/0/42").first.focus()
    made.take(TRACES, [consumed(topic="live", id="live-r")])
    expect(page.locator("#state")).to_have_text("waits while you point", timeout=10_000)
    expect(page.locator("#view tbody tr")).to_have_count(2)
    expect(page.get_by_role("link", name="live/0/42").first).to_be_focused()
    page.get_by_role("button", name="Live").focus()
    expect(page.locator("#view tbody tr")).to_have_count(3, timeout=10_000)
    page.get_by_role("button", name="Live").click()
    made.take(TRACES, [consumed(topic="live", id="live-q", group="audit")])
    page.wait_for_timeout(3000)
    expect(page.locator("#view tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Paused").click()
    expect(page.locator("#view tbody tr")).to_have_count(4)


def test_markup_in_traces_is_shown_as_text_on_every_page(page, made):
    made.take(TRACES, [sent(topic=EVIL, clientId=EVIL, correlationId=EVIL, id="evil", date=MINUTE, offset=1)])
    made.take(TRACES, [consumed(topic=EVIL, group=EVIL, correlationId=EVIL, id="evil-r", date=MINUTE, offset=1)])
    made.take(
        ANOMALIES, [found("lost", id="evil", topic=EVIL, groupId=EVIL, correlationId=EVIL, clientId=EVIL, date=MINUTE)]
    )
    made.take(STATS, [group_minute(MINUTE, EVIL, expected=1, verdicts={"lost": 1})])
    evil = quote(EVIL)
    for path in (
        "/?minutes=60",
        "/flows?minutes=60",
        f"/traces?topic={evil}",
        "/anomalies",
        f"/message?subject={evil}",
    ):
        page.goto(path)
        expect(page.locator("#view")).to_contain_text(EVIL)
        assert page.locator("#view img").count() == 0
        assert page.title() != "1"


@pytest.mark.parametrize("page", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True)
def test_dark_mode_follows_the_system_and_a_switch_that_is_remembered(page):
    def ground() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark, light = "rgb(18, 22, 28)", "rgb(246, 247, 249)"
    page.goto("/flows")
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert ground() == (dark if is_dark else light)
    page.get_by_role("button", name="Theme: system").click()
    assert ground() == dark
    page.get_by_role("button", name="Theme: dark").click()
    assert ground() == light
    page.reload()
    assert ground() == light


@pytest.mark.parametrize("page", [{"viewport": {"width": 360, "height": 740}}], indirect=True)
def test_a_narrow_screen_never_scrolls_sideways(page):
    for path in [*PAGES, "/message?subject=test/1/3"]:
        page.goto(path)
        expect(page.locator("#view .panel, #view .empty").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_everything_is_reached_by_keyboard(page):
    page.goto("/flows?minutes=60")
    expect(page.locator("#view table").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    names = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        names.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert {"subject", "range", "live", "theme", "Traces", "test", "groupA"} <= names
