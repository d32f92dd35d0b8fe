import json

import pytest

from bench.faults import table
from bench.faults.faults import FAULTS
from bench.faults.judge import Outcome, duplicates, recovery
from bench.faults.messages import PARTITIONS, Messages
from bench.generate import MS, SECOND, java_date
from bench.outputs import Seen

NAMES = {"traces": "traces", "findings": "findings", "letters": "letters"}


def seen(value: dict, topic: str = "traces", arrived: int = 0) -> Seen:
    return Seen(arrived, topic, {"id": "a", "topic": "during", **value})


def made(count: int, *, is_behind: bool = False) -> tuple[Messages, list[dict]]:
    messages = Messages("during")
    messages.is_behind = is_behind
    values = [json.loads(trace.value) for _ in range(count) for trace in messages.next(SECOND * 10**9)]
    return messages, values


def test_every_raw_trace_is_expected_once_and_one_message_in_ten_has_each_flaw():
    messages, values = made(10 * PARTITIONS)
    assert [value["id"] for value in values] == list(messages.expected.traces)
    kinds = [name.partition(":")[0] for name in messages.expected.findings]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(
        ("unacked", "unconsumed", "over-consumed"), PARTITIONS
    )


def test_a_clock_that_is_behind_makes_every_latency_negative():
    messages, values = made(PARTITIONS, is_behind=True)
    consumed = [value["id"] for value in values if value["type"] == "CONSUME"]
    assert messages.expected.findings == {f"negative-latency:{name}" for name in consumed}
    assert all(messages.expected.traces[name]["durationMs"] < 0 for name in consumed)


def test_a_trace_is_lost_if_it_is_missing_or_was_not_joined():
    messages, values = made(1)
    identities = [value["id"] for value in values]
    whole = [seen({"id": name, **fields}) for name, fields in messages.expected.traces.items()]
    assert Outcome(whole, **NAMES).lost(messages.expected) == set()
    assert Outcome(whole[1:], **NAMES).lost(messages.expected) == {identities[0]}
    alone = [seen({"id": identities[1], "type": "ACK"}), *(whole[:1] + whole[2:])]
    assert Outcome(alone, **NAMES).lost(messages.expected) == {identities[1]}


def test_the_last_revision_counts_and_what_is_withdrawn_or_resolved_is_gone():
    told = [
        seen({"reason": "unacked"}, "findings"),
        seen({"reason": "unacked", "resolved": True}, "findings"),
        seen({"id": "b"}, "findings"),
        seen({"id": "c", "topic": "another"}, "findings"),
    ]
    assert Outcome(told, **NAMES).open_of("during") == {"b"}


def test_a_record_that_comes_again_is_a_duplicate_and_a_revision_is_none():
    told = [seen({}), seen({"revision": 2}), seen({}), seen({"revision": 2}), seen({}, "findings")]
    assert duplicates(told, "traces") == 2


def test_it_has_recovered_once_a_send_from_after_the_fault_came_out():
    fault = 1_735_689_600 * SECOND
    before, after = ({"type": "SEND", "date": java_date(fault + way * MS)} for way in (-1, 1))
    assert recovery([seen(before)], "traces", fault) is None
    told = [seen(before), seen(after, arrived=fault + 3 * SECOND), seen(after, arrived=fault + 2 * SECOND)]
    assert recovery(told, "traces", fault) == pytest.approx(2)


@pytest.mark.skipif(not table.FIGURES.exists(), reason="no run was kept yet")
def test_the_table_in_the_document_is_made_of_the_figures():
    figures = json.loads(table.FIGURES.read_text())
    assert table.section(figures) in table.DOCUMENT.read_text()
    assert all(row["lost"] == row["missing"] == row["false"] == 0 for row in figures["rows"])


def test_each_fault_has_a_name_of_its_own_and_says_what_it_does():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) > 10
    assert all(fault.what and not fault.what.endswith(".") for fault in FAULTS)
