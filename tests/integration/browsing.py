"""For tests of pages in a real Chromium: where it is, which pages there are, and what a button or an address gives."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MARKS = [
    pytest.mark.integration,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium"),
]
NARROW = {"viewport": {"width": 360, "height": 740}}
PAGES = (
    "/", "/topology", "/flows", "/traces", "/traces?sort=duration", "/message?subject=orders/0/17",
    "/client?clientId=web-1", "/incidents", "/anomalies", "/pathways", "/health", "/reference", "/no/such/page",
)  # fmt: skip


def is_at(path: str) -> re.Pattern[str]:
    """An address with this path and at least these parameters, in this order."""
    return re.compile(".*".join(map(re.escape, path.split("…"))))


def kept(page: Any, button: str) -> str:
    """The text of the file that a button gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path()).read_text()
