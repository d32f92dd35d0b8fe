"""Every page is free of what axe-core finds: contrast, names, roles, order of focus; wide, narrow, light and dark."""

import pytest

from tests.integration.browsing import MARKS, NARROW, PAGES

pytestmark = MARKS
sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

LOOKS = {
    "wide and light": {},
    "wide and dark": {"color_scheme": "dark"},
    "narrow and light": NARROW,
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_no_violation_on_any_page(new_page, look):
    # The policy of the pages lets no script of others in, and axe is one.
    page = new_page(**LOOKS[look], bypass_csp=True)
    found = {}
    for path in PAGES:
        page.goto(path)
        sync_api.expect(page.locator("#view")).not_to_contain_text("Loading")
        page.locator("#view > *").first.wait_for()
        for summary in page.locator("details > summary").all():
            if summary.is_visible():
                summary.click()
        results = axe.Axe().run(
            page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
        )
        if results.violations_count:
            found[path] = [
                (one["id"], [(node["html"][:160], node.get("failureSummary", "")[:160]) for node in one["nodes"][:3]])
                for one in results.response["violations"]
            ]
    assert found == {}


def test_the_focus_goes_through_a_page_in_the_order_in_which_one_sees_it(new_page):
    page = new_page()
    page.goto("/flows")
    page.locator("#view table").first.wait_for()
    page.keyboard.press("Tab")
    sync_api.expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    parts = []
    for _ in range(30):
        page.keyboard.press("Tab")
        parts.append(page.evaluate("document.activeElement.closest('header, #controls, #view').id"))
    assert list(dict.fromkeys(parts)) == ["", "controls", "view"]
    assert [one for one, before in zip(parts[1:], parts, strict=False) if one != before] == ["controls", "view"]
