import json
from collections import Counter

from bench.generate import Traffic, java_date
from transforms.input.strict_parser import parse_trace
from transforms.input.traces import Trace

START = 1_795_359_281_000_000_000


def test_the_same_traffic_gives_the_same_traces():
    traffic = Traffic(500, START, groups=2)
    assert list(traffic.traces()) == list(traffic.traces())


def test_every_message_is_sent_acked_consumed_and_committed_by_every_group():
    counts = Counter(json.loads(trace.value)["type"] for trace in Traffic(300, START, groups=2).traces())
    assert counts == {"SEND": 300, "ACK": 300, "CONSUME": 600, "COMMIT": 600}


def test_traces_come_in_order_of_date():
    dates = [trace.date for trace in Traffic(500, START).traces()]
    assert dates == sorted(dates)


def test_offsets_of_a_partition_have_no_gaps():
    offsets: dict[tuple[str, int], set[int]] = {}
    for trace in Traffic(400, START).traces():
        value = json.loads(trace.value)
        if value["type"] == "ACK":
            offsets.setdefault((value["topic"], value["partition"]), set()).add(value["offset"])
    assert len(offsets) == 8
    assert all(found == set(range(len(found))) for found in offsets.values())


def test_every_trace_is_one_that_the_parser_takes():
    for trace in Traffic(200, START).traces():
        assert isinstance(parse_trace(trace.value, trace.date // 1_000_000, 1000), Trace)


def test_dates_have_as_many_digits_as_java_prints():
    assert [java_date(START + nanos) for nanos in (0, 120_000_000, 3_000, 7)] == [
        "2026-11-22T14:54:41Z",
        "2026-11-22T14:54:41.120Z",
        "2026-11-22T14:54:41.000003Z",
        "2026-11-22T14:54:41.000000007Z",
    ]


def test_each_group_reads_every_message_in_order_and_commits_it():
    dates: dict[tuple[str, str], list[int]] = {}
    for trace in Traffic(300, START, groups=2).traces():
        value = json.loads(trace.value)
        if "groupId" in value:
            dates.setdefault((value["groupId"], value["type"]), []).append(trace.date)
    assert dates.keys() == {(f"group-{number}", kind) for number in (1, 2) for kind in ("CONSUME", "COMMIT")}
    assert all(some == sorted(some) and len(some) == 300 for some in dates.values())


def test_an_ack_that_is_asked_to_names_its_message():
    values = [json.loads(trace.value) for trace in Traffic(50, START, groups=0, named_acks=True).traces()]
    sent = {value["correlationId"] for value in values if value["type"] == "SEND"}
    assert {value["correlationId"] for value in values if value["type"] == "ACK"} == sent
