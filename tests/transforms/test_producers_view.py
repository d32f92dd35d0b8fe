"""ProducersView: which answers without an offset are failures."""

from itertools import permutations

import orjson
import pytest

from tests.histories import START
from transforms.locate.producers_view import MAX_WAITING, ProducersView
from transforms.state.facts import ProducerAnswered
from transforms.state.group_facts import AckWithoutOffset, TopicFact
from transforms.state.packs import pack_of
from transforms.state.view import Outputs
from transforms.state.waits import Waits

RETENTION = Waits().retention


def any_view(limit: int = 100_000) -> ProducersView:
    return ProducersView(b'"topic"', Waits(), limit, 4)


def bare(identity: str, at: int = 0, client: str = "p") -> AckWithoutOffset:
    date = f"2026-01-01T00:{at // 60:02}:{at % 60:02}Z"
    return AckWithoutOffset(identity, date, client, START + at * 1000, "x")


def placing(at: int = 0, client: str = "p") -> ProducerAnswered:
    return ProducerAnswered(client, START + at * 1000, places=True)


def take(view: ProducersView, *facts: TopicFact) -> Outputs:
    """What a pack of these facts gives."""
    return view.on_facts(view.decode(pack_of(facts)))


def found(*outputs: Outputs) -> list[str]:
    return [finding.id for output in outputs for finding in output.findings]


@pytest.mark.parametrize("facts", list(permutations([bare("a"), placing(5), bare("b", 9), bare("c", client="q")])))
def test_an_answer_without_an_offset_is_a_failure_of_a_client_that_is_told_offsets_in_any_order(facts):
    view = any_view()
    assert sorted(found(*(take(view, fact) for fact in facts))) == ["send-failed:a", "send-failed:b"]


def test_what_is_past_retention_is_forgotten():
    view = any_view()
    take(view, placing(), bare("a", client="q"))
    while (due := view.deadline()) is not None:
        view.on_time(due)
    assert due is None
    assert view.size() == 0
    assert found(take(view, bare("b")), take(view, placing(client="q"))) == []


def test_of_a_client_that_is_never_told_an_offset_the_newest_answers_are_kept():
    view = any_view()
    take(view, *(bare(f"a{number:04}", number) for number in range(MAX_WAITING + 1)))
    told = found(take(view, placing()))
    assert len(told) == MAX_WAITING * 9 // 10
    assert f"send-failed:a{MAX_WAITING:04}" in told


def test_a_view_that_holds_too_much_gives_up_the_oldest_and_says_so():
    view = any_view(limit=10)
    outputs = take(view, *(bare(str(number), number, f"client{number}") for number in range(12)))
    assert view.size() == 9
    assert orjson.loads(outputs.findings[0].value)["count"] == outputs.counts["evicted"] == 3


def test_a_snapshot_builds_the_same_view():
    view, again = any_view(), any_view()
    take(view, placing(3), bare("b", client="q"))
    view.on_time(START + 5000)
    again.restore(view.snapshot())
    assert (again.size(), again.deadline()) == (view.size(), view.deadline())
    assert found(take(again, placing(client="q"))) == ["send-failed:b"]
