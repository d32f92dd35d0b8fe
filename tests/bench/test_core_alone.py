"""The join without Beam, which `bench.limits` measures, does what the join does."""

from bench.core_alone import CoreAlone
from bench.limits import records


def test_every_trace_is_written_once_whatever_the_bundles():
    for bundle in (7, 500):
        core = CoreAlone()
        core.run(records(2000), bundle)
        assert core.aggregated == 2000
