"""TraceTable: at most one trace at each offset, in columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.histories import START, any_trace
from transforms.input.dates import duration_ms
from transforms.input.records import ACK
from transforms.join.trace_table import ALONE, HELD, UNSETTLED, WRITTEN, TraceTable, durations_ms
from transforms.state.facts import Acks


def columns(*offsets: int, **fields: object) -> Acks:
    """An ACK at each of these offsets, `at` as many ms after START."""
    traces = [any_trace(type=ACK, id=f"a{offset}", offset=offset, at=offset, **fields) for offset in offsets]
    return Acks.of(traces, bytes([3] * len(traces)))


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.intp)


def filled(*offsets: int, **fields: object) -> TraceTable:
    table = TraceTable(4)
    clients = np.full(len(offsets), 7, np.int32)
    table.put(rows(*offsets), None, columns(*offsets, **fields), clients)
    return table


def test_what_is_put_into_rows_is_there_and_waits_for_its_send():
    table = filled(2, 0, correlation_id="x", extra={"zone": 1})
    assert np.flatnonzero(table.nanos).tolist() == [0, 2]
    assert (table.count(), table.ids, table.names(rows(0, 1, 2))) == (2, ["a0", "", "a2", ""], ["x", None, "x"])
    assert table.nanos[rows(0, 2)].tolist() == [START * 10**6, (START + 2) * 10**6]
    assert (table.states.tolist(), table.settled.tolist()) == ([HELD, 0, HELD, 0], [UNSETTLED] * 4)
    assert (table.clients[2], table.digits[2], table.extras) == (7, 3, {0: {"zone": 1}, 2: {"zone": 1}})


def test_some_items_of_the_columns_can_be_put_without_the_others():
    table, extra = TraceTable(4), {"zone": 1}
    table.put(rows(1), rows(2), columns(0, 3, 1, extra=extra, correlation_id="x"), np.array([4, 5, 6], np.int32))
    assert (table.count(), table.ids[1], table.clients[1], table.correlation_ids[1]) == (1, "a1", 6, "x")
    assert table.extras == {1: extra}


def test_a_cleared_row_is_as_if_nothing_had_been_there():
    table = filled(0, 2, correlation_id="x", extra={"zone": 1})
    table.settled[2] = 3
    table.clear(rows(2))
    assert np.flatnonzero(table.nanos).tolist() == [0]
    assert (table.ids, table.names(rows(0, 2))) == (["a0", "", "", ""], ["x", None])
    assert (table.states[2], table.settled[2], table.extras.keys()) == (0, UNSETTLED, {0})


def test_a_table_that_grows_keeps_what_it_has_and_its_new_rows_are_empty():
    table = filled(0, 3, correlation_id="x")
    table.settled[3] = 5
    table.grow(9)
    assert [len(getattr(table, name)) for name in ("nanos", "states", "settled", "ids", "correlation_ids")] == [9] * 5
    assert (table.count(), table.ids[3], table.settled.tolist()[3:]) == (2, "a3", [5, *[UNSETTLED] * 5])
    table.put(rows(8), None, columns(8), np.array([1], np.int32))
    assert (table.count(), table.ids[8]) == (3, "a8")


@pytest.mark.parametrize("state", [WRITTEN, ALONE])
def test_traces_are_held_until_they_are_written(state):
    table = filled(0, 1, 3)
    assert table.held().tolist() == [0, 1, 3]
    assert table.held_until(START + 1).tolist() == [0, 1]
    table.states[rows(0)] = state
    assert table.held().tolist() == [1, 3]
    assert table.held_until(START + 3).tolist() == [1, 3]
    table.states[:] = state
    assert (table.held().tolist(), table.held_until(START + 9).tolist()) == ([], [])


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)), max_size=9))
def test_durations_of_columns_are_those_of_each_pair(pairs):
    starts, ends = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    assert durations_ms(starts, ends).tolist() == [duration_ms(*pair) for pair in pairs]
