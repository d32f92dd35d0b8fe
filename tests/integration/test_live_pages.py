"""Traffic with every fault, the pipeline on Flink and the dashboard, and a reader in a real Chromium."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from runners.kafka.broker import Broker
from runners.ports import free_ports
from tests.integration import truth_on_the_dashboard as on_the_dashboard
from tests.integration.aggregations import command, settings
from tests.integration.dashboards import Dashboard
from tests.integration.flink_processes import ROOT, wait_until
from tests.integration.traffic_truth import Line, of, place
from tracing_aggregator.traffic.run import make_topics

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium"),
]
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
START_S = 300
#: As long as a trace may take to a page on a busy machine.
SEEN_MS = 60_000
WAITS = {
    **dict.fromkeys(("unacked_ms", "lost_ms", "unconsumed_ms", "uncommitted_ms", "consumption_buffer_ms"), "3000"),
    **dict.fromkeys(("hold_consume_ms", "hold_ack_ms"), "30000"),
    "retention_ms": "3600000",
    "stats_interval_ms": "2000",
}
SMALL = {"flink_parallelism": "1", "workers": "1", "flink_memory_mb": "512", "flink_state_backend": "hashmap"}
FAULTS = ("--loss=0.05", "--duplicate=0.05", "--slow-consumer=5", "--rewind", "--crash")


class Live(NamedTuple):
    """A system that runs: its configuration, dashboard, and the file of the truth, empty before there is traffic."""

    given: dict[str, str]
    dashboard: Dashboard
    truth: Path

    def lines(self) -> list[Line]:
        return [json.loads(line) for line in self.truth.read_text().splitlines()]


def started(name: str, folder: Path, *arguments: str, given: dict[str, str]) -> subprocess.Popen:
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command(name, *arguments, given=given), cwd=ROOT, stderr=log, env=os.environ)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    with Broker(folder / "broker") as broker:
        read = {"topics_include": "orders,payments", "trace_topics": "orders,payments", "trace_pathways": "true"}
        port = {"metrics_port": str(free_ports(1)[0])}
        given = settings(broker.bootstrap_servers, "live", folder, **read, **port, **SMALL, **WAITS)
        given |= {"anomaly.burst": "100000", "pathway.quiet.ms": "2000", "pathway.topic": "live-pathways"}
        make_topics(Config(settings=Settings.model_validate(given)))
        pipeline = started("run", folder, given=given)
        try:
            said = (folder / "run.log").read_text
            wait_until(lambda: "Running after" in said() or pipeline.poll() is not None, START_S, said)
            with Dashboard(folder, given) as dashboard:
                yield Live(given, dashboard, folder / "truth.jsonl")
        finally:
            pipeline.terminate()
            try:
                assert pipeline.wait(180) == 0, said()
            finally:
                pipeline.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, live, request) -> Iterator["sync_api.Page"]:
    """A page; at the end of each test nothing may have been complained of, and nothing asked of another host."""
    context = browser.new_context(base_url=live.dashboard.address, **getattr(request, "param", {}))
    page = context.new_page()
    page.set_default_timeout(SEEN_MS)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(live.dashboard.address) or complaints.append(asked.url))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def traffic(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen]:
    """It starts with the first test that wants it."""
    more = ("--rate=20", "--seconds=20", f"--truth={live.truth}", *FAULTS)
    process = started("traffic", tmp_path_factory.mktemp("traffic"), *more, given=live.given)
    yield process
    process.kill()


def test_a_page_that_is_open_before_there_is_anything_fills_by_itself(page, live, request):
    page.goto("/")
    expect(page.locator(".empty code").first).to_have_text("tracing-aggregator run")
    page.evaluate("window.isTheSame = true")
    request.getfixturevalue("traffic")
    expect(page.locator(".tiles")).to_be_visible(timeout=SEEN_MS)
    expect(page.get_by_role("region", name="Share by group")).to_contain_text("billing", timeout=SEEN_MS)
    page.get_by_role("link", name="Traces", exact=True).click()
    rows = page.locator("#view tbody tr")
    expect(rows).to_have_count(50, timeout=SEEN_MS)
    newest = rows.first.inner_text()
    expect(rows.first).not_to_have_text(newest, timeout=SEEN_MS)
    assert page.evaluate("window.isTheSame") is True


def test_a_chart_leads_to_traces_and_these_to_a_message(page, live, traffic):
    assert traffic.wait(120) == 0
    page.goto("/?minutes=60")
    plot = page.locator(".plot .u-over").first
    plot.wait_for()
    box = plot.bounding_box()
    # The minute in which most was produced, where the chart has it.
    wait_until(lambda: any(live.dashboard.get("overview", minutes=60)["delivery"]["actual"]), START_S / 3)
    overview = live.dashboard.get("overview", minutes=60)
    counts = overview["delivery"]["actual"]
    most = max(range(len(counts)), key=lambda step: counts[step] or 0)
    plot.click(position={"x": box["width"] * (most + 0.5) / len(counts), "y": box["height"] / 2})
    expect(page).to_have_url(re.compile(rf"/traces\?type=CONSUME&since={overview['times'][most]}000&"))
    page.get_by_role("region", name="Traces").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Message ")
    badges = page.locator(".timeline .badge")
    expect(badges.first).to_have_text("SEND", timeout=SEEN_MS)
    expect(badges).to_contain_text(["SEND", "ACK", "CONSUME", "COMMIT"], timeout=SEEN_MS)


def test_a_message_is_found_by_its_name_over_both_hops(page, live, traffic):
    assert traffic.wait(120) == 0
    line = of(live.lines(), "consumed", topic="payments")[0]
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.get_by_label("Where is my message?").focus()
    page.keyboard.type(line["correlationId"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="/".join(map(str, place(line))))).to_be_visible()
    expect(page.locator("#view")).to_contain_text("orders → payments")
    expect(page.locator("#view")).to_contain_text("until billing read it")


def test_explain_answers_from_the_store_of_the_dashboard_that_runs(live, traffic):
    assert traffic.wait(120) == 0
    line = of(live.lines(), "consumed", topic="payments")[-1]
    wait_until(lambda: live.dashboard.get("traces", subject=line["correlationId"])["traces"], START_S / 3)
    explain = command("explain", line["correlationId"], "--json", given=live.given)
    said = json.loads(subprocess.run(explain, cwd=ROOT, capture_output=True, timeout=60, check=True).stdout)
    store = Path(live.given["state.dir"]) / "live" / "dashboard.sqlite"
    assert said["lookedAt"] == [f"store {store}"]
    assert said["topics"] == ["orders", "payments"]


HEADINGS = {
    "/": "Overview", "/topology": "Topology", "/flows": "Flows", "/traces": "Traces", "/incidents": "Incidents",
    "/anomalies": "Anomalies", "/pathways": "Pathways", "/health": "Pipeline health",
}  # fmt: skip
NARROW = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}


@pytest.mark.parametrize("page", [{}, NARROW], ids=["wide and light", "narrow and dark"], indirect=True)
def test_each_page_shows_what_there_is(page, traffic):
    assert traffic.wait(120) == 0
    for path, heading in HEADINGS.items():
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.locator("#view .graph, #view table:visible").first).to_be_visible(timeout=SEEN_MS)
        expect(page.locator("#error")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(18, 22, 28)" if is_dark else "rgb(246, 247, 249)")


def test_times_on_charts_are_of_24_hours_and_name_their_zone(page, live, traffic):
    written: list[str] = []
    page.expose_function("noted", lambda text: written.append(text))  # noqa: PLW0108  playwright marks what it calls
    page.add_init_script(
        "const draw = CanvasRenderingContext2D.prototype.fillText;"
        "CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {"
        "  noted(String(text)); return draw.call(this, text, ...at); };"
    )
    page.goto("/?minutes=1440")
    page.locator(".plot canvas").first.wait_for()
    wait_until(lambda: page.evaluate("1") and any(re.fullmatch(r"\d{4}-\d\d-\d\d UTC", text) for text in written), 20)
    assert {"06:00", "18:00"} <= set(written)
    assert not [text for text in written if re.search(r"\d[ap]m", text)]


def test_health_shows_that_every_trace_is_accounted_for(page, traffic):
    assert traffic.wait(120) == 0
    page.goto("/health")
    view = page.locator("#view")
    expect(view).to_contain_text("Ready: every task of the job runs", timeout=SEEN_MS)
    expect(view).to_contain_text("unaccounted 0, which must be 0", timeout=SEEN_MS)
    expect(view).to_contain_text("held 0", timeout=SEEN_MS)


@pytest.mark.parametrize(
    "agree",
    [
        on_the_dashboard.messages_agree,
        on_the_dashboard.charts_agree,
        on_the_dashboard.findings_agree,
        on_the_dashboard.flows_agree,
        on_the_dashboard.filters_agree,
        on_the_dashboard.topology_agrees,
        on_the_dashboard.incidents_agree,
    ],
)
def test_in_the_end_the_pages_say_what_is_true(live, traffic, agree):
    assert traffic.wait(120) == 0
    lines = live.lines()
    deadline = time.monotonic() + START_S / 3
    while True:
        try:
            agree(live.dashboard, lines)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return
