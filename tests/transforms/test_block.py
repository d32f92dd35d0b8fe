"""Block: a plain message in columns is the same as the object of its facts."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.block_facts import Time, ack, apply, block_facts, commit, link, read, send
from tests.histories import START
from transforms.join.block import NEVER, Block
from transforms.join.block_facts import JoinedTrace, Message
from transforms.join.block_view import BlockView
from transforms.state.waits import Waits

WAITS = Waits()
KEY = b'["topic",3,2]'
SIZE = 64
BASE = 2 * SIZE


def any_view(**options: Any) -> BlockView:
    return BlockView(b'["topic",0,0]', **{"waits": WAITS, "limit": 1000, "block_size": SIZE} | options)


def described(message: Message) -> dict[str, Any]:
    """All that a message says."""
    return {
        "sends": message.sends, "links": message.links, "acks": [_trace(one) for one in message.acks],
        "deliveries": {group: [_trace(one) for one in held] for group, held in message.deliveries.items()},
        "first": message.first, "last": message.last, "windows": message.windows,
    }  # fmt: skip


def _trace(trace: JoinedTrace) -> dict[str, Any]:
    settled_by = trace.settled_by and trace.settled_by.id
    return {name: getattr(trace, name) for name in JoinedTrace.__slots__} | {"settled_by": settled_by}


@settings(max_examples=150, deadline=None)
@given(block_facts(), st.sampled_from([[], [30_000], [30_000, 400_000]]))
def test_a_message_in_columns_says_the_same_as_one_that_was_an_object_before_its_first_fact(facts, moments):
    """`as_object` makes the rows of one view objects at once; then the same facts come to both."""
    plain, objects = any_view(), any_view()
    for offset in range(6):
        objects._review.as_object(offset)
    for step in [*facts, *(Time(START + moment) for moment in moments)]:
        apply(plain, [step])
        apply(objects, [step])
    for row in plain._block.there().tolist():
        assert described(plain._block.message(row)) == described(objects._block.messages[row])


@settings(max_examples=100, deadline=None)
@given(block_facts())
def test_promoting_a_message_changes_nothing_that_it_says_and_only_once(facts):
    view = any_view()
    apply(view, facts)
    block = view._block
    for row in block.there().tolist():
        before, facts_held = described(block.message(row)), block.facts
        message = block.promote(row)
        assert described(message) == before
        assert block.promote(row) is message is block.message(row) is block.messages[row]
        assert all(not table.nanos[row] for table in block.tables())
        assert block.facts == facts_held
        assert all(block.ids[trace.id] is trace for trace in message.traces())


def test_a_promoted_delivery_is_settled_by_the_commit_that_had_settled_it():
    view = any_view()
    apply(view, [read("c", at=20), commit("k", at=30)])
    [settled] = view._block.commits()
    assert settled.settled == {}
    message = view._block.promote(0)
    assert settled.settled == {0: message.deliveries["g"]}
    assert message.deliveries["g"][0].settled_by is settled


def test_a_block_begins_small_and_grows_to_its_size_with_what_it_has():
    block = Block(KEY, WAITS, SIZE, exact=False)
    assert (block.topic, block.partition, block.base, block.capacity) == ("topic", 3, BASE, 16)
    reads = block.reads_of("g")
    block.first[block.row(BASE + 3)] = 7
    reads.ids[3] = "c"
    assert block.rows(np.array([BASE + 40, BASE + 1], np.int64).tobytes()).tolist() == [40, 1]
    assert block.capacity == SIZE
    assert (block.first[3], block.first[40], block.last[40], block.link_timestamps[40]) == (7, NEVER, -1, -1)
    assert (reads.ids[3], len(reads.ids), len(block.sends.nanos)) == ("c", SIZE, SIZE)


def test_cleared_rows_are_as_if_nothing_had_been_there():
    view = any_view()
    apply(view, [send(), ack(), read(), link("x"), send("s2", 1), ack("a2", 1)])
    block = view._block
    block.clear(np.array([0]))
    assert block.there().tolist() == [1]
    assert (block.first[0], block.last[0], block.window[0], block.due[0]) == (NEVER, -1, -1, NEVER)
    assert (block.touched[0], block.link_timestamps[0], block.link_correlation_ids) == (False, -1, {})
    assert [np.flatnonzero(table.nanos).tolist() for table in block.tables()] == [[1], [1], []]


def test_clients_have_one_number_each_in_all_columns():
    block = Block(KEY, WAITS, SIZE, exact=False)
    assert block.numbers_of(["a", "b"]).tolist() == [0, 1]
    assert block.numbers_of(["c", "b"]).tolist() == [2, 1]
    assert block.client_ids == ["a", "b", "c"]
