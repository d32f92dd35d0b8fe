"""The journal: segments, snapshots, and the view that rides on them."""

from random import Random

import pytest
import zstandard
from apache_beam.runners.worker import statecache

from tests.pure_run import MemoryBag
from transforms import journal
from transforms.journal import Ledger, Segment, SegmentCoder
from transforms.packs import decode, encode
from transforms.view import Outputs


class Sum:
    """A view that adds numbers and remembers how far time has come."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.now = -1

    def apply(self, events):
        for kind, number in events:
            if kind == "X":
                self.now = number
                if number >= 1000:
                    self.numbers = []
            else:
                self.numbers.append(number)
        return Outputs()

    def snapshot(self):
        yield "X", self.now
        yield "N", sum(self.numbers)

    def deadline(self):
        return None

    def facts(self):
        return len(self.numbers)


def opened(bag: MemoryBag) -> tuple[Ledger, bool]:
    return Ledger.open(bag, Sum)


def test_a_new_key_has_an_empty_view_that_is_not_called_rebuilt():
    ledger, rebuilt = opened(MemoryBag())
    assert (ledger.view.numbers, rebuilt) == ([], False)


def test_every_pack_is_one_segment_and_the_same_view_comes_back_from_the_same_objects():
    bag = MemoryBag()
    ledger, _ = opened(bag)
    ledger.absorb(bag, encode([("N", 1), ("N", 2)]))
    again, rebuilt = opened(bag)
    again.absorb(bag, encode([("N", 3)]))
    assert (again is ledger, rebuilt, len(bag.segments)) == (True, False, 2)


@pytest.mark.parametrize("seed", range(5))
def test_after_a_restore_the_view_is_rebuilt_from_segments_in_any_order(seed):
    bag = MemoryBag()
    for number in range(12):
        opened(bag)[0].absorb(bag, encode([("N", number)]))
    opened(bag)[0].expire(bag, 500)
    bag.forget(Random(seed))  # noqa: S311
    ledger, rebuilt = opened(bag)
    assert (ledger.view.numbers, ledger.view.now, rebuilt) == (list(range(12)), 500, True)
    assert opened(bag) == (ledger, False)
    ledger.absorb(bag, encode([("N", 99)]))
    assert max(segment.number for segment in bag.segments) == 13


def test_a_journal_that_has_grown_is_rewritten_as_one_snapshot_and_goes_on(monkeypatch):
    monkeypatch.setattr(journal, "MIN_REWRITE_BYTES", 30)
    bag = MemoryBag()
    ledger, _ = opened(bag)
    rewritten = []
    for number in range(8):
        ledger.absorb(bag, encode([("N", number)]))
        rewritten.append(ledger.rewrite(bag))
    assert rewritten.count(True) >= 1
    assert len(bag.segments) < 6
    bag.forget(Random(0))  # noqa: S311
    assert sum(opened(bag)[0].view.numbers) == sum(range(8))


def test_a_journal_of_many_small_segments_is_rewritten_too(monkeypatch):
    monkeypatch.setattr(journal, "MAX_SEGMENTS", 3)
    bag = MemoryBag()
    ledger, _ = opened(bag)
    rewritten = []
    for number in range(3):
        ledger.absorb(bag, encode([("N", number)]))
        rewritten.append(ledger.rewrite(bag))
    assert rewritten == [False, False, True]
    [snapshot] = bag.segments
    assert (snapshot.is_snapshot, decode(zstandard.decompress(snapshot.pack))) == (True, [["X", -1], ["N", 3]])


def test_a_journal_without_facts_is_cleared():
    bag = MemoryBag()
    ledger, _ = opened(bag)
    ledger.absorb(bag, encode([("N", 1)]))
    ledger.expire(bag, 2000)
    assert bag.segments == []
    assert not opened(bag)[1]


def test_a_segment_is_its_number_and_its_bytes():
    coder = SegmentCoder()
    for segment in (Segment(0, b""), Segment(2**40, b"[1]", is_snapshot=True)):
        copy = coder.decode(coder.encode(segment))
        assert (copy.number, copy.pack, copy.is_snapshot) == (segment.number, segment.pack, segment.is_snapshot)
        assert copy.ledger is None
    assert coder.is_deterministic()


def test_state_of_another_release_is_refused_with_what_to_do():
    coder = SegmentCoder()
    encoded = bytes([journal.FORMAT + 1]) + coder.encode(Segment(1, b"[]"))[1:]
    with pytest.raises(
        ValueError, match=rf"format {journal.FORMAT + 1}, this release reads {journal.FORMAT}: restore it with the"
    ):
        coder.decode(encoded)


def test_the_cache_sees_the_weight_of_the_view_and_not_only_the_bytes():
    bag = MemoryBag()
    ledger, _ = opened(bag)
    ledger.absorb(bag, encode([("N", 1)]))
    light = statecache.get_deep_size(bag.segments)
    ledger.view.numbers += range(1000)
    assert statecache.get_deep_size(bag.segments) - light >= 1000 * 100
