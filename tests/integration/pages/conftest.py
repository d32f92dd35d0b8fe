"""Pages in a real Chromium, over a shop's traffic."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.browsing import CHROMIUM
from tests.serving import running
from tests.tracing_aggregator.dashboard.shop import shop
from tests.tracing_aggregator.dashboard.stores import Made
from tracing_aggregator.dashboard.api import application

Job = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    made = shop(tmp_path_factory.mktemp("shop"), int(time.time() * 1000))
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def job() -> Job:
    """What the job says of itself; a test may change it."""
    return {"counters": {}, "isReady": True, "why": "every task runs"}


@pytest.fixture(scope="module")
def address(made: Made, job: Job) -> Iterator[str]:
    reading = {"state": "following", "servers": "broker-1:9092"}
    with running(application(made.reader, None, lambda: reading, lambda: job)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Makes pages, each in a context of its own; no script may fail, and no other host be asked."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def new(**options: Any) -> Any:
        context = browser.new_context(base_url=address, permissions=["clipboard-read", "clipboard-write"], **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith((address, "blob:")) or complaints.append(asked.url))
        return page

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    return new_page()
