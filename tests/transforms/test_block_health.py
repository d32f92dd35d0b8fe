"""Which plain messages are healthy: what is called so has no verdict, now or later."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.block_facts import ack as acked
from tests.block_facts import apply, block_facts, commit, read, send, time
from tests.histories import START
from transforms.findings.block_health import healthy
from transforms.findings.block_verdicts import PassTimes, Verdicts
from transforms.input.records import HEADER_READER
from transforms.join.block_view import BlockView
from transforms.state.facts import GroupExpectation, ProducerAnswered
from transforms.state.waits import Waits

WAITS = Waits()


def told(*facts: object, exact: bool = False) -> BlockView:
    view = BlockView(b'["topic",0,0]', WAITS, 1000, 64, exact=exact)
    apply(view, facts)
    return view


def of(view: BlockView, *, is_compacted: bool = False) -> dict[int, bool]:
    """By offset whether the message is called healthy."""
    block = view._block
    rows = block.there()
    said = healthy(block, rows, WAITS, PassTimes(block).groups, is_compacted=is_compacted)
    return dict(zip((rows + block.base).tolist(), said.tolist(), strict=True))


@settings(max_examples=300, deadline=None)
@given(block_facts(), st.booleans(), st.booleans(), st.sampled_from([None, 30_000, 10**7]))
def test_no_message_that_is_called_healthy_has_a_verdict(facts, is_compacted, exact, moment):
    view = told(*facts, *([] if moment is None else [time(moment)]), exact=exact)
    block = view._block
    verdicts, passes = Verdicts(block, WAITS, is_compacted=is_compacted), PassTimes(block)
    for offset, is_healthy in of(view, is_compacted=is_compacted).items():
        if is_healthy:
            message = block.message(offset - block.base)
            assert list(verdicts.of_all(offset, message.incarnations(), passes)) == []
            assert offset not in block.found


def test_a_message_that_was_acknowledged_read_and_committed_in_time_is_healthy():
    group = GroupExpectation("g", 0, START + 10**8, None, START)
    assert of(told(group, send(), acked(), read(), commit())) == {0: True}


def test_what_is_missing_or_odd_is_not_healthy():
    group = GroupExpectation("g", 0, START + 10**8, None, START)
    reader = GroupExpectation(HEADER_READER, 0, START + 10**8, START + 9, None)
    for facts in (
        [acked(), read(), commit()],
        [send(), read(), commit()],
        [group, send(), acked()],
        [group, send(), acked(), read()],
        [send(at=50), acked(at=10)],
        [send(timestamp=START + 200_000), acked(at=10)],
        [reader, send(), acked()],
        [send(), acked(), read(), read("again", at=25), commit()],
    ):
        assert of(told(*facts)) == {0: False}


def test_nobody_misses_the_ack_of_a_client_that_asks_for_none():
    assert of(told(send(), ProducerAnswered("p", START, places=False))) == {0: True}
    assert of(told(send(), ProducerAnswered("p", START, places=True))) == {0: False}


def test_in_a_compacted_topic_nobody_misses_a_header():
    reader = GroupExpectation(HEADER_READER, 0, START + 10**8, START + 9, None)
    assert of(told(reader, send(), acked()), is_compacted=True) == {0: True}


def test_where_a_commit_settles_its_own_offset_only_each_message_is_looked_at():
    assert of(told(send(), acked(), exact=True)) == {0: False}
