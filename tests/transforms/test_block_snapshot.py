"""Snapshots of a block: what is filled in from one says the same, and gives the same again."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.block_facts import ack, apply, block_facts, read, send, time
from transforms.join import block_snapshot
from transforms.join.block import Block
from transforms.join.block_view import BlockView
from transforms.state.waits import Waits

WAITS = Waits()
KEY = b'["topic",0,0]'


def any_view(*, exact: bool = False) -> BlockView:
    return BlockView(KEY, WAITS, 1000, 64, exact=exact)


def refilled(block: Block) -> Block:
    """An empty block with what was saved of this one, by way of its bytes."""
    copy = Block(KEY, WAITS, 64, exact=block.exact)
    saved = block_snapshot.Saved(WAITS, 0, None, None, None, block_snapshot.of(block), any_view()._judge.state())
    block_snapshot.fill(copy, block_snapshot.load(block_snapshot.save(saved)).block, WAITS)
    return copy


MOMENTS = st.lists(st.sampled_from([5_000, 30_000, 400_000]), max_size=2)


@settings(max_examples=150, deadline=None)
@given(block_facts(), MOMENTS, block_facts(max_size=4, suffix="later"), st.booleans())
def test_a_block_that_is_filled_from_a_snapshot_gives_the_same_snapshot(facts, moments, later, exact):
    view = any_view(exact=exact)
    apply(view, [*facts, *map(time, sorted(moments)), *later])
    block = view._block
    copy = refilled(block)
    assert block_snapshot.of(copy) == block_snapshot.of(block)
    assert (copy.facts, copy.client_ids, copy.groups()) == (block.facts, block.client_ids, block.groups())
    assert copy.there().tolist() == block.there().tolist()
    assert {offset: message.facts() for offset, message in copy.messages.items()} == {
        offset: message.facts() for offset, message in block.messages.items()
    }


@settings(max_examples=100, deadline=None)
@given(block_facts(), MOMENTS, block_facts(suffix="later"), st.booleans())
def test_a_restored_view_writes_and_finds_what_the_view_would_have(facts, moments, later, exact):
    view, copy = any_view(exact=exact), any_view(exact=exact)
    apply(view, [*facts, *map(time, sorted(moments))])
    copy.restore(view.snapshot())
    assert copy.deadline() == view.deadline()
    steps = [*later, time(500_000), time(10**8)]
    one, other = apply(view, steps), apply(copy, steps)
    for name in ("records", "findings", "facts"):
        assert sorted(map(repr, getattr(one, name))) == sorted(map(repr, getattr(other, name)))
    assert one.counts == other.counts


def test_ids_and_correlation_ids_that_are_uuids_take_sixteen_bytes_each():
    names = [f"0123456{number}-89ab-cdef-0123-456789abcdef" for number in range(8)]
    view = any_view()
    for offset, name in enumerate(names):
        apply(view, [send(name, offset, correlation_id=name), read(name[::-1], offset, correlation_id=name)])
    saved = block_snapshot.of(view._block)
    assert (len(saved.sends.ids), len(saved.sends.correlation_ids)) == (8 * 16, 8 * 16)
    assert saved.reads["g"].correlation_ids is None, "those of the SENDs"
    assert refilled(view._block).sends.ids[:8] == names


def test_fields_that_pass_through_and_findings_survive():
    view = any_view()
    apply(view, [send(at=0), ack("b", 1, extra={"zone": [1, None]}), time(130_000)])
    copy = refilled(view._block)
    assert copy.acks.extras == {1: {"zone": [1, None]}}
    assert copy.found == view._block.found != {}


def test_a_view_that_is_restored_under_shorter_waits_judges_all_its_messages_again():
    view, copy = any_view(), BlockView(KEY, WAITS._replace(unacked=1), 1000, 64)
    assert apply(view, [send(), read(), time(30_000)]).findings == []
    copy.restore(view.snapshot())
    assert copy.deadline() is not None
    assert [json.loads(found.value)["id"] for found in apply(copy, [time(50_000)]).findings] == ["unacked:s:0:0"]
