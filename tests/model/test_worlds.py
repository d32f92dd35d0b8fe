"""Generated histories end as the reference says: see worlds.py, and docs/trust.md for the long run."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.model.worlds import WORLDS

#: Histories of each world: half a minute of CPU in all. The long run plays more.
HISTORIES = {"facts": 800, "traffic": 50, "twins": 40, "shell": 20}


@pytest.mark.parametrize("world", WORLDS)
def test_every_history_ends_on_all_topics_as_the_reference_says(world):
    cases, play = WORLDS[world]
    run = settings(
        max_examples=HISTORIES[world],
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )(given(**cases)(play))
    run()
