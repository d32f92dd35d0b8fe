"""An incident being found, as an animated SVG: from the overview to its line, to a message of it."""

from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Browser, Page

_SIZE = {"width": 1120, "height": 700}
_SECONDS = 3
_FADE = 0.02


def record(browser: Browser, address: str, path: Path) -> None:
    """Write the SVG: an image every 3 s, over and over. The dashboard at the address must know of an incident."""
    context = browser.new_context(viewport=_SIZE)
    page = context.new_page()
    page.goto(f"{address}/?minutes=15")
    page.wait_for_selector(".graph svg")
    frames = [_frame(page)]
    page.goto(f"{address}/incidents?minutes=60")
    page.locator("#view tbody tr").first.wait_for()
    frames.append(_frame(page))
    lost = page.locator("#view tbody tr", has_text=" lost").first
    lost.scroll_into_view_if_needed()
    lost.locator('a[href^="/message"]').first.hover()
    frames.append(_frame(page))
    lost.locator('a[href^="/message"]').first.click()
    page.locator(".timeline").first.wait_for()
    frames.append(_frame(page))
    context.close()
    path.write_text(_animated(frames))


def _frame(page: Page) -> bytes:
    page.wait_for_timeout(600)
    return page.screenshot(type="jpeg", quality=72)


def _animated(frames: list[bytes]) -> str:
    share = 100 / len(frames)
    style = (
        f"image{{opacity:0;animation:shown {_SECONDS * len(frames)}s infinite}}"
        f"@keyframes shown{{0%,{share * (1 - _FADE):.2f}%{{opacity:1}}{share:.2f}%,100%{{opacity:0}}}}"
    )
    images = "".join(
        f'<image width="{_SIZE["width"]}" height="{_SIZE["height"]}" style="animation-delay:{number * _SECONDS}s" '
        f'href="data:image/jpeg;base64,{b64encode(frame).decode()}"/>'
        for number, frame in enumerate(frames)
    )
    box = f'viewBox="0 0 {_SIZE["width"]} {_SIZE["height"]}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}><style>{style}</style>{images}</svg>\n'
