"""The journal: segments, snapshots, and the view that rides on them."""

from random import Random

import pytest
import zstandard
from apache_beam.runners.worker import statecache
from msgspec import msgpack

from tests.pure_run import ForgetfulBag
from transforms.state import journal
from transforms.state.journal import FACTS, SNAPSHOT, TIME, JournaledView, Segment, SegmentCoder
from transforms.state.view import Outputs


class Sum:
    """A view that adds numbers and remembers how far time has come."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.now = -1

    @staticmethod
    def decode(pack: bytes) -> list[int]:
        return msgpack.decode(pack, type=list[int])

    def on_facts(self, facts: list[int]) -> Outputs:
        self.numbers += facts
        return Outputs()

    def on_time(self, now: int) -> Outputs:
        self.now = now
        if now >= 1000:
            self.numbers = []
        return Outputs()

    def snapshot(self) -> bytes:
        return msgpack.encode([self.now, sum(self.numbers)])

    def restore(self, snapshot: bytes) -> None:
        self.now, total = msgpack.decode(snapshot)
        self.numbers = [total]

    def deadline(self) -> None:
        return None

    def size(self) -> int:
        return len(self.numbers)


def pack(*numbers: int) -> bytes:
    return msgpack.encode(numbers)


def opened(bag: ForgetfulBag) -> tuple[JournaledView, bool]:
    return JournaledView.open(bag, Sum)


def test_a_new_key_has_an_empty_view_that_is_not_called_rebuilt():
    journaled, rebuilt = opened(ForgetfulBag())
    assert (journaled.view.numbers, rebuilt) == ([], False)


def test_every_pack_is_one_segment_and_the_same_view_comes_back_from_the_same_objects():
    bag = ForgetfulBag()
    journaled, _ = opened(bag)
    journaled.on_facts(bag, pack(1, 2))
    again, rebuilt = opened(bag)
    again.on_facts(bag, pack(3))
    assert (again is journaled, rebuilt, len(bag.segments)) == (True, False, 2)


@pytest.mark.parametrize("seed", range(5))
def test_after_a_restore_the_view_is_rebuilt_from_segments_in_any_order(seed):
    bag = ForgetfulBag()
    for number in range(12):
        opened(bag)[0].on_facts(bag, pack(number))
    opened(bag)[0].on_time(bag, 500)
    bag.forget(Random(seed))  # noqa: S311
    journaled, rebuilt = opened(bag)
    assert (journaled.view.numbers, journaled.view.now, rebuilt) == (list(range(12)), 500, True)
    assert opened(bag) == (journaled, False)
    journaled.on_facts(bag, pack(99))
    assert max(segment.number for segment in bag.segments) == 13


def test_a_journal_that_has_grown_is_rewritten_as_one_snapshot_and_goes_on(monkeypatch):
    monkeypatch.setattr(journal, "MIN_REWRITE_BYTES", 6)
    bag = ForgetfulBag()
    journaled, _ = opened(bag)
    rewritten = []
    for number in range(8):
        journaled.on_facts(bag, pack(number))
        rewritten.append(journaled.rewrite(bag))
    assert rewritten.count(True) >= 1
    assert len(bag.segments) < 6
    bag.forget(Random(0))  # noqa: S311
    assert sum(opened(bag)[0].view.numbers) == sum(range(8))


def test_a_journal_of_many_small_segments_is_rewritten_too(monkeypatch):
    monkeypatch.setattr(journal, "MAX_SEGMENTS", 3)
    bag = ForgetfulBag()
    journaled, _ = opened(bag)
    rewritten = []
    for number in range(3):
        journaled.on_facts(bag, pack(number))
        rewritten.append(journaled.rewrite(bag))
    assert rewritten == [False, False, True]
    [snapshot] = bag.segments
    assert snapshot.kind == SNAPSHOT
    assert msgpack.decode(zstandard.decompress(snapshot.content)) == [-1, 3]


def test_the_journal_of_a_quiet_view_is_one_snapshot_that_carries_no_view_until_something_happens():
    bag = ForgetfulBag()
    journaled, _ = opened(bag)
    journaled.on_facts(bag, pack(1, 2))
    assert journaled.rewrite(bag, is_quiet=True)
    assert [(segment.kind, segment.view) for segment in bag.segments] == [(SNAPSHOT, None)]
    again, rebuilt = opened(bag)
    assert (again is journaled, rebuilt, again.view.numbers) == (False, True, [3])
    again.on_facts(bag, pack(4))
    assert opened(bag) == (again, False)
    assert [segment.number for segment in bag.segments] == [1, 2]


def test_an_empty_journal_stays_empty_when_its_view_is_quiet():
    bag = ForgetfulBag()
    assert not opened(bag)[0].rewrite(bag, is_quiet=True)
    assert bag.segments == []


def test_a_journal_without_facts_is_cleared():
    bag = ForgetfulBag()
    journaled, _ = opened(bag)
    journaled.on_facts(bag, pack(1))
    journaled.on_time(bag, 2000)
    assert bag.segments == []
    assert not opened(bag)[1]


def test_a_segment_is_its_number_and_its_bytes():
    coder = SegmentCoder()
    for segment in (Segment(0, FACTS, b""), Segment(7, TIME, b"\0" * 8), Segment(2**40, SNAPSHOT, b"[1]")):
        copy = coder.decode(coder.encode(segment))
        assert (copy.number, copy.kind, copy.content) == (segment.number, segment.kind, segment.content)
        assert copy.view is None
    assert coder.is_deterministic()


def test_state_of_another_release_is_refused_with_what_to_do():
    coder = SegmentCoder()
    encoded = bytes([journal.FORMAT + 1]) + coder.encode(Segment(1, FACTS, b"[]"))[1:]
    with pytest.raises(
        ValueError, match=rf"format {journal.FORMAT + 1}, this release reads {journal.FORMAT}: restore it with the"
    ):
        coder.decode(encoded)


def test_the_cache_sees_the_weight_of_the_view_and_not_only_the_bytes():
    bag = ForgetfulBag()
    journaled, _ = opened(bag)
    journaled.on_facts(bag, pack(1))
    light = statecache.get_deep_size(bag.segments)
    journaled.view.numbers += range(1000)
    assert statecache.get_deep_size(bag.segments) - light >= 1000 * 100
