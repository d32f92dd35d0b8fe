from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracing_aggregator.dashboard.stores import Made


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """A store of the test's own."""
    store = Made(tmp_path)
    yield store
    store.connection.close()
