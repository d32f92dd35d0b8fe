"""Clock bounds: how far one client's clock can be ahead of another's."""

import numpy as np
from hypothesis import given, settings

from tests.block_facts import ack, apply, block_facts, read, send
from transforms.join.block_view import BlockView
from transforms.join.trace_table import Rows
from transforms.state.waits import Waits
from transforms.stats.clock_bounds import Bounds, clock_bounds


def any_view(*facts: object) -> BlockView:
    view = BlockView(b'["topic",0,0]', Waits(), 1000, 64)
    apply(view, facts)
    return view


def bounds(view: BlockView, *, as_objects: bool) -> Bounds:
    """Of all plain messages with a SEND, by their columns or by their objects."""
    block = view._block
    plain: Rows = block.plain()
    rows = plain[block.sends.nanos[plain] != 0]
    if not as_objects:
        return clock_bounds(block, rows, [])
    return clock_bounds(block, rows[:0], [(block.base + row, block.message(row)) for row in rows.tolist()])


def test_a_message_was_read_after_it_was_sent():
    facts = [send(at=5), read(at=20, client_id="c"), send("s2", 1, at=7), read("c2", 1, at=14, client_id="c")]
    for as_objects in (False, True):
        assert bounds(any_view(*facts), as_objects=as_objects) == {("c", "p"): 7}


def test_a_message_was_in_the_log_before_the_next_one_was_acknowledged():
    facts = [send(at=5), send("s2", 1, at=7, client_id="q"), ack("a2", 1, at=30, client_id="q")]
    for as_objects in (False, True):
        assert bounds(any_view(*facts), as_objects=as_objects) == {("q", "p"): 25}


def test_a_part_of_a_millisecond_counts_as_a_whole_one():
    late = send(at=5, nanos=send(at=5).nanos - 1)
    assert bounds(any_view(late, read(at=20)), as_objects=False) == {("c", "p"): 16}


def test_one_client_is_never_compared_with_itself():
    facts = [send(at=5), read(at=20, client_id="p"), send("s2", 1), ack("a2", 1)]
    assert bounds(any_view(*facts), as_objects=False) == {}


def test_columns_and_objects_of_one_block_are_taken_in_order_of_their_offsets():
    view = any_view(send(at=5), send("s2", 1, at=7, client_id="q"), ack("a2", 1, at=30, client_id="q"))
    block = view._block
    apart = clock_bounds(block, np.array([1]), [(0, block.message(0))])
    assert apart == clock_bounds(block, np.array([0]), [(1, block.message(1))]) == {("q", "p"): 25}


@settings(max_examples=100, deadline=None)
@given(block_facts())
def test_columns_give_the_bounds_that_objects_give(facts):
    view = any_view(*facts)
    assert bounds(view, as_objects=False) == bounds(view, as_objects=True)
