"""Pathways against a plain reference: any order, any batches, any restore end in the same records and tallies."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.histories import START, any_trace, changed, date_at
from tests.pathways import QUIET, any_view, facts_of, guesses, read, sent, take, told, values
from tests.pure_run import ForgetfulBag, small_journals
from transforms.input.records import CONSUME, SEND
from transforms.input.traces import Trace
from transforms.state.journal import JournaledView
from transforms.state.packs import pack_of
from transforms.state.view import Outputs

ROOT = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(orjson.loads((ROOT / "docs" / "schemas" / "trace-pathway.json").read_bytes()))


@st.composite
def wanderings(draw: st.DrawFn) -> list[Trace]:
    """Facts of few messages in few topics, in no order that means anything; some of them twice."""
    names, topics = st.sampled_from(["x", "y"]), st.sampled_from(["a", "b", "c"])
    clients, moments = st.sampled_from(["p", "q"]), st.integers(0, 12)
    facts = []
    for number in range(draw(st.integers(1, 14))):
        fields: dict[str, Any] = {
            "type": draw(st.sampled_from([SEND, CONSUME])), "id": f"i{number}", "topic": draw(topics),
            "correlation_id": draw(names), "client_id": draw(clients), "at": draw(moments) * 9000,
        }  # fmt: skip
        if fields["type"] == CONSUME:
            fields["group_id"] = draw(st.sampled_from(["g", "h"]))
        fact = any_trace(**fields)
        facts.append(changed(fact, timestamp=fact.timestamp + draw(st.integers(0, 3000))))
    return facts + draw(st.lists(st.sampled_from(facts), max_size=3))


def expected_pathways(items: list[Trace]) -> dict[str, dict[str, Any]]:
    """The pathways of these facts, worked out once and plainly."""
    pathways = {}
    for name in {item.correlation_id for item in items}:
        facts = {
            (i.nanos, i.topic, i.client_id, getattr(i, "group_id", None), i.type)
            for i in items
            if i.correlation_id == name
        }
        if len({topic for _, topic, *_ in facts}) > 1:
            pathways[name] = {"correlationId": name, **_expected(facts), "complete": True}
    return pathways


def _expected(facts: set[Any]) -> dict[str, Any]:
    sends = sorted(fact[:3] for fact in facts if fact[4] == SEND)
    reads = sorted(fact[:4] for fact in facts if fact[4] == CONSUME)

    def before(send: Any) -> list[Any]:
        return [one for one in reads if one[0] <= send[0] and one[1] != send[1]]

    if sends and not before(sends[0]):
        topic, first = sends[0][1], sends[0]
    else:
        topic = (before(sends[0]) if sends else reads)[0][1]
        first = next((send for send in sends if send[1] == topic), None)
    hops, forwarded = [], set()
    for send in [send for send in sends if send != first]:
        nanos, to_topic, client = send
        hop: dict[str, Any] = {"toTopic": to_topic, "sentBy": client, "sentAt": date_at(nanos, 3)}
        own = [one for one in before(send) if one[2] == client]
        if before(send):
            took = (own or before(send))[-1]
            hop |= _read(took) | {"residenceMs": (nanos - took[0]) // 10**6}
            forwarded.add((took[1], took[3]))
            if not own and len({one[3] for one in before(send)}) > 1:
                hop["ambiguous"] = True
        hops.append((nanos, 0, to_topic, client, hop))
    for place in {(one[1], one[3]) for one in reads} - forwarded:
        one = next(one for one in reads if (one[1], one[3]) == place)
        hops.append((one[0], 1, one[1], one[2] + one[3], _read(one)))
    hops.sort(key=lambda hop: hop[:4])
    if first is None:
        return {"origin": {"topic": topic}, "hops": [hop for *_, hop in hops]}
    origin = {"topic": topic, "clientId": first[2], "date": date_at(first[0], 3)}
    return {"origin": origin, "hops": [hop | {"fromOriginMs": (n - first[0]) // 10**6} for n, *_, hop in hops]}


def _read(one: Any) -> dict[str, Any]:
    return {"fromTopic": one[1], "groupId": one[3], "clientId": one[2], "consumedAt": date_at(one[0], 3)}


def expected_tallies(pathways: Iterable[dict[str, Any]]) -> dict[tuple[Any, ...], Any]:
    """What is told of each edge, from the records of the pathways."""
    hops: dict[tuple[Any, ...], list[Any]] = {}
    for hop in (hop for pathway in pathways for hop in pathway["hops"] if "residenceMs" in hop and "toTopic" in hop):
        sent_at = any_trace(date=hop["sentAt"]).nanos // 10**6 - START
        edge = sent_at // 60_000 * 60_000, hop["fromTopic"], hop["groupId"], hop["toTopic"]
        hops.setdefault(edge, []).append((hop["residenceMs"], hop.get("fromOriginMs")))
    return {
        edge: (
            len(durations),
            *(_plain([d for d in column if d is not None]) for column in zip(*durations, strict=True)),
        )
        for edge, durations in hops.items()
    }


def expected_guesses(pathways: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Of how many hops of each edge the record of the pathway says that it is a guess."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for hop in (hop for pathway in pathways for hop in pathway["hops"] if "ambiguous" in hop):
        sent_at = any_trace(date=hop["sentAt"]).nanos // 10**6 - START
        counts[sent_at // 60_000 * 60_000, hop["fromTopic"], hop["groupId"], hop["toTopic"]] += 1
    return counts


def _plain(durations: list[int]) -> list[int]:
    return [len(durations), min(durations, default=0), max(durations, default=0)]


@settings(
    max_examples=300, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(wanderings(), st.integers(0, 2**32), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0, QUIET, 300_000]))
def test_any_order_any_batches_and_any_restores_end_in_the_same_pathways_and_tallies(items, seed, restores, quiet):
    random = Random(seed)  # noqa: S311
    bag, outputs = ForgetfulBag(), Outputs()

    def step(pack: bytes | None, now: int) -> int | None:
        if random.random() < restores:
            bag.forget(random)
        journaled, _ = JournaledView.open(bag, lambda: any_view(quiet=quiet))
        got = journaled.on_time(bag, now) if pack is None else journaled.on_facts(bag, pack)
        journaled.rewrite(bag)
        outputs.records += got.records
        outputs.facts += got.facts
        return journaled.view.deadline()

    shuffled, due = random.sample(items, len(items)), None
    with small_journals():
        while shuffled:
            size = random.randint(1, len(items))
            batch, shuffled = shuffled[:size], shuffled[size:]
            if facts := facts_of(batch):
                due = step(pack_of(facts), 0)
            if random.random() < 0.5:
                due = step(None, START + random.randint(0, 400_000))
        while due is not None:
            due = step(None, due)
    assert not bag.segments, "state is left after retention"
    final = {value["correlationId"]: value for value in values(outputs)}
    for value in final.values():
        SCHEMA.validate(value)
        value.pop("revision", None)
    assert expected_pathways(items) == final
    tallies = {edge: tally for edge, tally in told(outputs).items() if tally is not None}
    assert expected_tallies(final.values()) == tallies
    assert expected_guesses(final.values()) == guesses(outputs)


def test_a_view_built_from_a_snapshot_goes_on_as_the_one_that_it_was_taken_from():
    kept = any_view()
    steps: list[list[Trace]] = []
    for number in range(12):
        cold, hot = ({"correlation_id": f"{kind}{number}"} for kind in ("cold", "hot"))
        first, then = number * 37_000, 500_000 + number * 37_000
        steps.append([sent("a", first, **cold), read("a", "g", first + 7, "x", **cold), sent("a", then, **hot)])
        steps.append([sent("b", then + 9, "x", **cold), read("a", "g", then, **hot), sent("b", then, **hot)])
    steps.sort(key=lambda items: items[0].timestamp)
    written = []
    for items in [*steps, []]:
        now = items[0].timestamp - START if items else 10**6
        written += values(take(kept, *items, until=now))
        built = any_view()
        built.restore(kept.snapshot())
        assert (kept.size(), kept.deadline()) == (built.size(), built.deadline())
        assert kept.snapshot() == built.snapshot()
        for until in (now + 1000, now + 15_000):
            expected, got = take(kept, until=until), take(built, until=until)
            assert (expected.records, expected.facts) == (got.records, got.facts)
            written += values(got)
        kept = built
    assert {"cold0", "cold11", "hot0"} <= {value["correlationId"] for value in written}
