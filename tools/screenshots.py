"""`python -m tools.screenshots`: the pictures of the README, of a dashboard over invented traffic."""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import Browser, sync_playwright

from dashboard.api import application
from dashboard.background import running
from dashboard.ingest import Ingest
from dashboard.store import Reader, open_store
from dashboard.synthetic import Traffic
from pipeline.settings import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
_MINUTES = 20
_MESSAGES = 6000
_WIDE = {"width": 1280, "height": 900}
_NARROW = {"width": 360, "height": 740}


def chromium() -> str | None:
    """The Chromium of this machine; None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _fill(store: Path) -> str:
    """Twenty minutes of traffic; the position of a message in it."""
    connection = open_store(store)
    ingest = Ingest(connection, Settings())
    length_ms = _MINUTES * 60_000
    traffic = Traffic(Settings(), int(time.time() * 1000) - length_ms, length_ms / _MESSAGES)
    for _ in range(_MESSAGES):
        ingest.take(traffic.message())
    for start in traffic.minutes(traffic.now_ms):
        ingest.take(traffic.statistics(start))
    topic, partition, offset = connection.execute("SELECT topic, partition, offset FROM findings LIMIT 1").fetchone()
    connection.close()
    return f"{topic}/{partition}/{offset}"


def _take(browser: Browser, address: str, name: str, **options: Any) -> None:
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#view table, #view .timeline")
    page.wait_for_timeout(600)
    page.screenshot(path=FOLDER / f"{name}.png")
    context.close()
    click.echo(f"wrote docs/screenshots/{name}.png", err=True)


def main() -> int:
    """Take them all; the exit code."""
    program = chromium()
    if program is None:
        click.echo("There is no Chromium here. Install it: apt-get install chromium", err=True)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        message = _fill(Path(folder) / "store.sqlite")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        with running(application(Reader(Path(folder) / "store.sqlite"), None)) as port:
            address = f"http://127.0.0.1:{port}"
            _take(browser, f"{address}/", "overview", viewport=_WIDE)
            _take(browser, f"{address}/", "overview-dark", viewport=_WIDE, color_scheme="dark")
            _take(browser, f"{address}/flows", "flows", viewport=_WIDE)
            _take(browser, f"{address}/message?subject={message}", "message", viewport=_WIDE)
            _take(browser, f"{address}/anomalies", "anomalies-narrow", viewport=_NARROW)
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
