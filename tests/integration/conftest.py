from collections.abc import Iterator

import pytest

from runners.broker import Broker

pytest.register_assert_rewrite("tests.integration.truth_on_the_dashboard")


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One for all tests that leave it as it is; each takes topics of its own."""
    with Broker(tmp_path_factory.mktemp("shared-broker")) as running:
        yield running
