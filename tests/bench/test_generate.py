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


def test_commits_of_several_messages_reach_the_last_message_of_each_partition():
    traces = [json.loads(trace.value) for trace in Traffic(500, START, messages_per_commit=50).traces()]
    last: dict[str, Counter] = {"CONSUME": Counter(), "COMMIT": Counter()}
    for trace in traces:
        if trace["type"] in last:
            place = trace["topic"], trace["partition"]
            last[trace["type"]][place] = max(last[trace["type"]][place], trace["offset"])
    assert last["COMMIT"] == last["CONSUME"]


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


def test_a_partition_gets_its_share_of_the_messages():
    shares = (0.8, 0.1, 0.1, 0.0)
    values = [json.loads(trace.value) for trace in Traffic(2000, START, topics=("orders",), shares=shares).traces()]
    found = Counter(value["partition"] for value in values if value["type"] == "ACK")
    assert 1500 < found[0] < 1700
    assert found[3] == 0


def test_a_group_that_lags_reads_in_order_and_so_much_later():
    traffic = Traffic(300, START, groups=2, lags=(0, 60 * 10**9))
    reads: dict[str, list[int]] = {"group-1": [], "group-2": []}
    for trace in traffic.traces():
        value = json.loads(trace.value)
        if value["type"] == "CONSUME":
            reads[value["groupId"]].append(trace.date)
    assert all(dates == sorted(dates) and len(dates) == 300 for dates in reads.values())
    assert reads["group-2"][0] - reads["group-1"][0] >= 59 * 10**9


def test_an_ack_that_is_asked_to_names_its_message():
    values = [json.loads(trace.value) for trace in Traffic(50, START, groups=0, named_acks=True).traces()]
    sent = {value["correlationId"] for value in values if value["type"] == "SEND"}
    assert {value["correlationId"] for value in values if value["type"] == "ACK"} == sent
