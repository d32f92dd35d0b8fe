"""The two changes to Beam's handling of state are in place, and store what Beam would."""

from unittest.mock import Mock

from apache_beam.coders import BytesCoder
from apache_beam.runners.worker import statecache
from apache_beam.runners.worker.bundle_processor import FnApiUserStateContext, SynchronousBagRuntimeState

from transforms.state import beam_state, journal


def bag(handler: Mock, key: str) -> SynchronousBagRuntimeState:
    return SynchronousBagRuntimeState(handler, key, BytesCoder())


def context_of(*states: SynchronousBagRuntimeState) -> FnApiUserStateContext:
    context = FnApiUserStateContext(Mock(), "step", BytesCoder(), BytesCoder())
    context._all_states = {(index,): state for index, state in enumerate(states)}
    return context


def test_the_cache_weighs_a_journal_by_its_bytes_while_no_view_rides_on_it():
    segments = [journal.Segment(number, journal.FACTS, b"x" * size) for number, size in ((0, 100), (1, 50))]
    assert statecache.get_deep_size(segments) == 150


def test_the_cache_measures_other_values_as_beam_does():
    assert statecache.get_deep_size([b"x" * 100]) == beam_state._measure([b"x" * 100])


def test_all_keys_are_sent_before_the_first_answer_is_awaited():
    log: list[str] = []
    handler = Mock()
    handler.extend.side_effect = lambda key, *_: (
        log.append(f"send {key}"),
        Mock(get=lambda: log.append(f"got {key}")),
    )[1]
    first, second = bag(handler, "a"), bag(handler, "b")
    first.add(b"1")
    second.add(b"2")
    context_of(first, second).commit()
    assert log == ["send a", "send b", "got a", "got b"]


def test_a_cleared_bag_is_cleared_before_what_was_added_is_sent():
    handler = Mock()
    cleared = bag(handler, "a")
    cleared.add(b"old")
    cleared.clear()
    cleared.add(b"new")
    context_of(cleared).commit()
    assert [call[0] for call in handler.method_calls] == ["clear", "extend"]
    assert handler.extend.call_args.args[2] == [b"new"]


def test_an_untouched_bag_sends_nothing():
    handler = Mock()
    context_of(bag(handler, "a")).commit()
    assert handler.method_calls == []
