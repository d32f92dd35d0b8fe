"""`python -m tools.screenshots`: the pictures of the README, of the dashboard of a demo, or over invented traffic."""

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import click
from playwright.sync_api import Browser, sync_playwright

from dashboard.api import application
from dashboard.background import running
from dashboard.intake.ingest import Ingest
from dashboard.store import Reader, open_store
from dashboard.measure.synthetic import Traffic
from pipeline.settings import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
_MINUTES = 20
_MESSAGES = 6000
_WIDE = {"width": 1280, "height": 900}
_NARROW = {"width": 360, "height": 740}


def chromium() -> str | None:
    """The Chromium of this machine; None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _fill(store: Path) -> None:
    """Twenty minutes of traffic."""
    connection = open_store(store)
    ingest = Ingest(connection, Settings())
    length_ms = _MINUTES * 60_000
    traffic = Traffic(Settings(), int(time.time() * 1000) - length_ms, length_ms / _MESSAGES)
    for _ in range(_MESSAGES):
        ingest.take(traffic.message())
    for start in traffic.minutes(traffic.now_ms):
        ingest.take(traffic.statistics(start))
    connection.close()


def _message(address: str) -> str:
    """The position of a message with a finding, one that was read again if there is any."""
    with urlopen(f"{address}/api/v1/anomalies?size=100", timeout=10) as answer:  # noqa: S310  our own page
        findings = [one for one in json.load(answer)["findings"] if "offset" in one]
    chosen = next((one for one in findings if one["reason"] == "over-consumed"), findings[0])
    return f"{chosen['topic']}/{chosen['partition']}/{chosen['offset']}"


def _take(browser: Browser, address: str, name: str, **options: Any) -> None:
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#view table, #view .timeline")
    page.wait_for_timeout(600)
    page.screenshot(path=FOLDER / f"{name}.png")
    context.close()
    click.echo(f"wrote docs/screenshots/{name}.png", err=True)


@click.command()
@click.option(
    "--address", help="Of a dashboard that runs, as `tracing-aggregator demo` prints it; else it is invented."
)
def main(address: str | None) -> None:
    """Take them all."""
    program = chromium()
    if program is None:
        raise click.ClickException("There is no Chromium here. Install it: apt-get install chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        if address:
            _take_all(browser, address.rstrip("/"))
        else:
            with tempfile.TemporaryDirectory() as folder:
                store = Path(folder) / "store.sqlite"
                _fill(store)
                with running(application(Reader(store), None)) as port:
                    _take_all(browser, f"http://127.0.0.1:{port}")
        browser.close()


def _take_all(browser: Browser, address: str) -> None:
    _take(browser, f"{address}/", "overview", viewport=_WIDE)
    _take(browser, f"{address}/", "overview-dark", viewport=_WIDE, color_scheme="dark")
    _take(browser, f"{address}/flows", "flows", viewport={**_WIDE, "height": 460})
    _take(browser, f"{address}/message?subject={_message(address)}", "message", viewport=_WIDE)
    _take(browser, f"{address}/anomalies", "anomalies-narrow", viewport=_NARROW)


if __name__ == "__main__":
    main()
