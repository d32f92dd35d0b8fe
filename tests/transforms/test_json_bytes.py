"""JSON bytes: what is kept takes the memory of its length, not of a buffer."""

import sys
import tracemalloc

import orjson

from transforms.input.json_bytes import dump


def test_the_bytes_are_those_of_orjson():
    assert dump({"a": [1, None, "é"]}) == orjson.dumps({"a": [1, None, "é"]})


def test_kept_results_take_the_memory_of_their_length():
    tracemalloc.start()
    kept = [dump([number, "x" * 100]) for number in range(1000)]
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 2 * sum(map(sys.getsizeof, kept))
