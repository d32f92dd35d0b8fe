import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from transforms.observe.observe_facts import Committed, MembersCounted, Positions
from transforms.observe.partition_view import ObservedPartitionView
from transforms.state.addresses import partition_key
from transforms.state.facts import Ended
from transforms.state.waits import Waits

MINUTE = 60_000
START = 1_700_000_040_000
WAITS = Waits(stalled=30_000, stats_interval=10_000)
RECORDS, GROUP = "observed", "observedGroup"


def view(*, bounded: bool = False, **waits: int) -> ObservedPartitionView:
    return ObservedPartitionView(partition_key("orders", 3), WAITS._replace(**waits), "prod", bounded=bounded)


def read(*rows: tuple[int, int], end: int | None = None, at: int | None = None) -> Positions:
    """Records of 10 bytes at these offsets and times; they are read as they are written."""
    offsets, times = (np.array([row[column] for row in rows], np.int64) for column in (0, 1))
    starts = sorted({time - time % MINUTE for _, time in rows})
    counts = [sum(time - time % MINUTE == start for _, time in rows) for start in starts]
    minutes = [(start, count, 10 * count, 0, count) for start, count in zip(starts, counts, strict=True)]
    last = rows[-1][0] + 1 if end is None else end
    read_ms = max((time for _, time in rows), default=START) if at is None else at
    return Positions(offsets.tobytes(), times.tobytes(), last, read_ms, minutes)


def commit(offset: int | None, at: int, sequence: int, group: str = "billing") -> Committed:
    return Committed(group, offset, at, sequence)


def values(outputs: Any, kind: str = GROUP) -> list[dict[str, Any]]:
    return [value for _, encoded in outputs.records if (value := json.loads(encoded))["kind"] == kind]


def findings(outputs: Any) -> list[dict[str, Any]]:
    return [json.loads(found.value) for found in outputs.findings]


def test_a_minute_of_the_partition_has_its_messages_and_bytes():
    partition = view()
    partition.on_facts([read((0, START), (1, START + 5))])
    [value] = values(partition.on_time(START + 1_000), RECORDS)
    assert value == {
        "kind": "observed", "topic": "orders", "partition": 3, "windowStart": "2023-11-14T22:14:00.000Z",
        "cluster": "prod", "messages": 2, "bytes": 20, "withCorrelationId": 0, "timestampType": "LogAppendTime",
        "late": 0, "endOffset": 2,
    }  # fmt: skip


def test_a_minute_of_a_group_has_its_commits_what_they_settled_and_its_lag():
    partition = view()
    partition.on_facts([read((0, START), (1, START + 100), (2, START + 300)), commit(0, START, 1)])
    partition.on_facts([commit(2, START + 500, 2), MembersCounted("billing", 2, 7, 3)])
    outputs = partition.on_time(START + 1_000)
    [value] = values(outputs)
    latency = value.pop("produceToCommitMs")
    assert (latency["count"], latency["min"], latency["max"]) == (2, 400, 500)
    assert value == {
        "kind": "observedGroup", "topic": "orders", "partition": 3, "groupId": "billing",
        "windowStart": "2023-11-14T22:14:00.000Z", "cluster": "prod", "commitCount": 2, "rewinds": 0, "committed": 2,
        "measuredAt": "2023-11-14T22:14:01.000Z", "lag": 1, "offsetLag": 1, "lagMs": 700, "sinceCommitMs": 500,
        "members": 2, "generation": 7,
    }  # fmt: skip
    keys = {tuple(json.loads(key)) for key, _ in outputs.records}
    assert keys == {("topic", "partition", "windowStart"), ("topic", "partition", "groupId", "windowStart")}


def test_lag_is_measured_a_second_after_a_change_and_each_interval_while_messages_wait():
    partition = view()
    partition.on_facts([read((0, START)), commit(0, START, 1)])
    assert partition.deadline() == START + 1_000
    [value] = values(partition.on_time(START + 1_000))
    assert (value["lag"], value["lagMs"]) == (1, 1_000)
    due = partition.deadline()
    assert due == START + 11_000
    [value] = values(partition.on_time(due))
    assert value["lagMs"] == 11_000
    partition.on_facts([commit(1, START + 12_000, 2)])
    [value] = values(partition.on_time(START + 13_000))
    assert (value["lag"], value["lagMs"]) == (0, 0)
    assert partition.deadline() > START + WAITS.retention - 1


def test_facts_that_keep_coming_do_not_put_off_the_measurement_and_it_is_as_new_as_they_are():
    partition = view()
    for step in range(30):
        partition.on_facts([read((step, START + 100 * step)), commit(step, START + 100 * step, step)])
        assert partition.deadline() == START + 1_000
    [value] = values(partition.on_time(START + 1_000))
    assert (value["measuredAt"], value["lag"]) == ("2023-11-14T22:14:02.900Z", 1)


def test_a_commit_below_an_earlier_one_is_found_rewound_and_not_counted_with_traces():
    partition = view()
    outputs = partition.on_facts([read((9, START)), commit(10, START, 1), commit(4, START + 5, 2)])
    [found] = outputs.findings
    assert json.loads(found.value) == {
        "id": "rewound:observed:billing:orders:3:2", "reason": "rewound", "topic": "orders", "partition": 3,
        "groupId": "billing", "observed": True, "cluster": "prod", "offset": 3, "fromOffset": 9,
        "date": "2023-11-14T22:14:00.005Z",
    }  # fmt: skip
    assert (found.minute, found.deadline) == (0, None)


def stalled_view(members: int = 1) -> ObservedPartitionView:
    partition = view()
    partition.on_facts([read((0, START)), commit(0, START, 1), MembersCounted("billing", members, 7, 3)])
    return partition


def test_a_group_with_members_that_commits_nothing_while_messages_wait_is_stalled_until_it_commits():
    partition = stalled_view()
    assert findings(partition.on_time(START + 20_000)) == []
    [found] = findings(partition.on_time(START + 30_000))
    assert found == {
        "id": "stalled:billing:orders:3", "reason": "stalled", "topic": "orders", "partition": 3, "groupId": "billing",
        "observed": True, "cluster": "prod", "offset": 0, "date": "2023-11-14T22:14:00.000Z",
        "deadline": "2023-11-14T22:14:30.000Z",
    }  # fmt: skip
    assert findings(partition.on_time(START + 40_000)) == []
    partition.on_facts([commit(1, START + 41_000, 5)])
    [resolved] = findings(partition.on_time(START + 42_000))
    assert resolved == {**found, "resolved": True}


@pytest.mark.parametrize(
    "end",
    [MembersCounted("billing", 0, 8, 9), commit(None, START + 31_000, 9)],
)
def test_a_group_that_lost_its_members_or_its_offset_is_stalled_no_more(end):
    partition = stalled_view()
    assert findings(partition.on_time(START + 30_000))
    partition.on_facts([end])
    [resolved] = findings(partition.on_time(START + 42_000))
    assert resolved["resolved"]


def test_a_group_without_members_or_without_messages_is_not_stalled():
    assert findings(stalled_view(members=0).on_time(START + 60_000)) == []
    partition = stalled_view()
    partition.on_facts([commit(1, START + 1, 2)])
    assert findings(partition.on_time(START + 60_000)) == []


def test_while_a_backlog_of_commits_is_read_no_group_is_stalled():
    partition = view()
    now = START + 600_000
    partition.on_facts([read((0, START), at=now), commit(0, START, 1), MembersCounted("billing", 1, 7, 3)])
    assert findings(partition.on_time(now + 1_000)) == []
    assert [found["reason"] for found in findings(partition.on_time(now + 40_000))] == ["stalled"]


def test_a_message_that_has_just_come_is_waited_for_however_long_ago_the_last_commit_was():
    partition = view()
    partition.on_facts([read((0, START)), commit(1, START, 1), MembersCounted("billing", 1, 7, 3)])
    partition.on_facts([read((1, START + 600_000))])
    assert findings(partition.on_time(START + 601_000)) == []


def test_minutes_are_final_when_a_later_one_has_come():
    partition = view()
    partition.on_facts([read((0, START)), commit(0, START, 1), commit(1, START + 1, 2)])
    partition.on_time(START + 1_000)
    later = START + 2 * MINUTE
    partition.on_facts([read((1, later)), commit(2, later + 1, 3)])
    outputs = partition.on_time(later + 1_000)
    starts = [(value["windowStart"], value.get("final", False)) for value in values(outputs)]
    assert starts == [("2023-11-14T22:14:00.000Z", True), ("2023-11-14T22:16:00.000Z", False)]
    assert [value.get("final", False) for value in values(outputs, RECORDS)] == [True, False]


def test_records_of_a_minute_that_is_closed_count_as_late_in_the_first_that_is_open():
    partition = view()
    partition.on_facts([read((0, START + 5 * MINUTE))])
    partition.on_facts([read((1, START), at=START + 5 * MINUTE)])
    found = {value["windowStart"]: value for value in values(partition.on_time(START + 6 * MINUTE), RECORDS)}
    late = found["2023-11-14T22:18:00.000Z"]
    assert (late["messages"], late["late"]) == (1, 1)


def test_a_topic_that_was_made_anew_has_no_rewinds_and_its_groups_begin_again():
    partition = view()
    partition.on_facts([read((99, START)), commit(100, START, 1)])
    outputs = partition.on_facts([read((0, START + 5)), commit(0, START + 6, 2), commit(1, START + 7, 3)])
    assert outputs.findings == []
    [value] = values(partition.on_time(START + 1_000))
    assert (value["committed"], value["lag"]) == (1, 0)


def test_all_is_forgotten_after_retention_and_a_group_with_members_is_kept():
    partition = view(retention=3_600_000)
    partition.on_facts([read((0, START)), commit(1, START, 1)])
    for _ in range(200):
        due = partition.deadline()
        if due is None:
            break
        partition.on_time(due)
    assert (partition.size(), partition.deadline()) == (0, None)
    kept = view(retention=3_600_000)
    kept.on_facts([read((0, START)), commit(1, START, 1), MembersCounted("billing", 1, 7, 3)])
    for _ in range(200):
        kept.on_time(kept.deadline())
    assert kept.size() > 0


def test_bounded_input_is_measured_and_written_once_at_its_end():
    partition = view(bounded=True)
    outputs = partition.on_facts([read((0, START), (1, START)), commit(0, START, 1), commit(9, START + 1, 2)])
    assert outputs.records == []
    partition.on_facts([commit(1, START + 2, 3), Ended(START + 5_000)])
    [value] = values(partition.on_time(2**62))
    assert (value["committed"], value["lag"], value["lagMs"], value["rewinds"]) == (2, 1, 5_000, 1)
    assert partition.size() == 0


steps = st.lists(
    st.tuples(st.sampled_from(["read", "billing", "audit", "members", "time"]), st.integers(0, 9)), max_size=30
)


def played(steps: list[tuple[str, int]], restore_at: int) -> list[Any]:
    """All outputs; at one step the view is made anew of its snapshot."""
    partition, end, now, outputs = view(), 0, START, []
    for number, (what, amount) in enumerate(steps):
        now += 700 * amount
        if number == restore_at:
            snapshot = partition.snapshot()
            partition = view()
            partition.restore(snapshot)
        if what == "read":
            fact: Any = read(*((end + each, now) for each in range(amount)), end=end + amount, at=now)
            end += amount
        elif what == "members":
            fact = MembersCounted("billing", amount, number, number)
        elif what == "time":
            found = partition.on_time(now)
            outputs.append((list(found.records), found.findings))
            continue
        else:
            fact = commit(max(end - amount, 0), now, number, what)
        [decoded] = partition.decode(msgpack.encode([fact]))
        found = partition.on_facts([decoded])
        outputs.append((list(found.records), found.findings))
    return outputs


@given(steps, st.integers(0, 30))
def test_a_view_made_of_its_snapshot_goes_on_as_the_one_that_gave_it(steps, restore_at):
    assert played(steps, restore_at) == played(steps, -1)
