"""`python -m tools.screenshots`: each page wide, narrow and dark, of a demo or over invented traffic."""

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import click
from playwright.sync_api import Browser, sync_playwright

from bench.dashboard.background import running
from bench.dashboard.synthetic import Traffic
from pipeline.config.settings import Settings
from tools.moving_picture import record
from tracing_aggregator.dashboard.api import application
from tracing_aggregator.dashboard.intake.ingest import Ingest
from tracing_aggregator.dashboard.store import Reader, open_store

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


def _pages(address: str) -> dict[str, str]:
    """The address of each page by the name of its picture; of messages one that was read again, if there is any."""
    findings = [one for one in _get(f"{address}/api/v1/anomalies?size=500")["findings"] if "offset" in one]
    chosen = next((one for one in findings if one["reason"] == "over-consumed"), findings[0])
    client = _get(f"{address}/api/v1/overview?minutes=60")["byClient"][0]["name"]
    return {
        "overview": "/",
        "topology": "/topology",
        "flows": "/flows",
        "slow": "/traces?sort=duration&type=CONSUME",
        "message": f"/message?subject={chosen['topic']}/{chosen['partition']}/{chosen['offset']}",
        "client": f"/client?clientId={client}",
        "incidents": "/incidents?minutes=60",
        "anomalies": "/anomalies?minutes=60",
        "pathways": "/pathways",
        "health": "/health",
        "api": "/reference",
    }


def _get(address: str) -> Any:
    with urlopen(address, timeout=10) as answer:  # noqa: S310  our own page
        return json.load(answer)


def _take(browser: Browser, address: str, path: Path, **options: Any) -> None:
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#view table, #view .timeline, #view .empty", state="attached")
    page.wait_for_timeout(600)
    page.screenshot(path=path)
    context.close()
    click.echo(f"wrote {path}", err=True)


@click.command()
@click.option(
    "--address", help="Of a dashboard that runs, as `tracing-aggregator demo` prints it; else it is invented."
)
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, help="Where they go.")
def main(address: str | None, folder: Path) -> None:
    """Take them all."""
    program = chromium()
    if program is None:
        raise click.ClickException("There is no Chromium here. Install it: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        if address:
            _take_all(browser, address.rstrip("/"), folder)
        else:
            with tempfile.TemporaryDirectory() as made:
                store = Path(made) / "store.sqlite"
                _fill(store)
                with running(application(Reader(store), None)) as port:
                    _take_all(browser, f"http://127.0.0.1:{port}", folder)
        browser.close()


def _take_all(browser: Browser, address: str, folder: Path) -> None:
    for name, path in _pages(address).items():
        _take(browser, address + path, folder / f"{name}.png", viewport=_WIDE)
        _take(browser, address + path, folder / f"{name}-narrow.png", viewport=_NARROW)
        _take(browser, address + path, folder / f"{name}-dark.png", viewport=_WIDE, color_scheme="dark")
    if _get(f"{address}/api/v1/incidents?reason=lost")["total"]:
        record(browser, address, folder / "incident.svg")
        click.echo(f"wrote {folder / 'incident.svg'}", err=True)


if __name__ == "__main__":
    main()
