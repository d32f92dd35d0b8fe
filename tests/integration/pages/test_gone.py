"""What the pages say when something is gone, unknown or wrong, and how they come back."""

import pytest

from tests.integration.browsing import MARKS

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def test_a_server_that_is_gone_makes_every_page_red_and_comes_back_by_itself(page):
    page.goto("/health")
    expect(page.locator("#view .well")).to_be_visible()
    page.route("**/api/v1/**", lambda route: route.abort())
    stale = page.locator("#stale")
    expect(stale).to_contain_text("Data as of ", timeout=15_000)
    expect(stale).to_contain_text("The dashboard does not answer.")
    assert page.locator("#view .well").evaluate("(one) => getComputedStyle(one).textDecorationLine") == "line-through"
    page.unroute("**/api/v1/**")
    expect(stale).to_be_hidden(timeout=15_000)


def test_a_job_that_is_gone_is_told_on_every_page(page, job):
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
def test_held_traces_are_unknown_where_the_job_does_not_tell(page, job, counters, shown):
    known = dict(job)
    job["counters"] = counters
    try:
        page.goto("/health")
        expect(page.locator("#view")).to_contain_text(shown)
    finally:
        job.update(known)


def test_what_the_job_holds_is_followed_while_nothing_arrives(page, job):
    known = dict(job)
    job["counters"] = {"held_traces": 7}
    try:
        page.goto("/health")
        expect(page.locator("#view")).to_contain_text("held 7")
        job["counters"] = {"held_traces": 0}
        expect(page.locator("#view")).to_contain_text("held 0", timeout=15_000)
    finally:
        job.update(known)


def test_pausing_survives_a_reload(page):
    page.goto("/")
    page.get_by_role("button", name="Live").click()
    page.reload()
    expect(page.locator("#state")).to_have_text("paused")


def test_an_address_that_is_no_page_says_so_and_leads_on(page):
    page.goto("/no/such/page")
    expect(page.get_by_role("heading", level=1)).to_have_text("No such page")
    page.get_by_role("link", name="overview", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_filter_that_cannot_be_is_told_on_the_page(page):
    page.goto("/traces?minMs=fast")
    expect(page.locator("#error")).to_contain_text("minMs")
    page.get_by_role("link", name="Show the page without filters").click()
    expect(page.locator("#view tbody tr").first).to_be_visible()


def test_clocks_are_told_in_words(page):
    page.goto("/health")
    expect(page.get_by_role("region", name="Clocks")).to_contain_text(
        "billing-1's clock is 8 ms to 12 ms behind web-1's"
    )
