"""The comparison of statistics steps compares the same results."""

import orjson
import pytest

from bench.beam_windows import bundles, by_panes, by_views, by_views_streaming, by_windows, run


@pytest.mark.parametrize(
    ("streaming", "steps"), [(False, (by_views, by_windows)), (True, (by_views_streaming, by_panes))]
)
def test_both_steps_end_in_the_same_final_records(streaming, steps):
    given = list(bundles(40, 3, every=3000))
    ends = []
    for build in steps:
        _, records = run(build, given, streaming=streaming)
        ends.append({key: value for key, value in records if "final" in orjson.loads(value)})
    assert len(ends[0]) == 4
    assert ends[0] == ends[1]
