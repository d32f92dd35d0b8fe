"""The records of the aggregated topic."""

import orjson

from transforms.state import aggregated
from transforms.state.aggregated import AggregatedTrace

DATE = "2020-03-25T15:41:01.966082Z"


def record(kind, identity, date, client, topic, extra=None, **fields):
    trace = AggregatedTrace(identity, date, kind, topic, client_id=client, **fields)
    key, value = aggregated.record(trace, extra)
    return orjson.loads(key), orjson.loads(value)


def test_an_ack_looks_as_the_wire_contract_says():
    place = {"topic": "test", "partition": 0, "offset": 5}
    key, value = record("ACK", "i", DATE, "p", "test", partition=0, offset=5, correlation_id="x", duration_ms=600)
    assert key == place
    assert value == {
        "id": "i",
        "date": DATE,
        "type": "ACK",
        **place,
        "correlationId": "x",
        "clientId": "p",
        "durationMs": 600,
    }


def test_the_key_of_a_commit_and_only_of_a_commit_names_the_group():
    place = {"partition": 0, "offset": 5, "group_id": "g"}
    assert record("COMMIT", "i", DATE, "c", "t", **place)[0] == {
        "topic": "t",
        "partition": 0,
        "offset": 5,
        "groupId": "g",
    }
    assert record("CONSUME", "i", DATE, "c", "t", **place)[0] == {"topic": "t", "partition": 0, "offset": 5}
    assert record("CONSUME", "i", DATE, "c", "t", **place)[1]["groupId"] == "g"


def test_a_send_without_a_position_has_its_correlation_id_as_key():
    key, value = record("SEND", "i", DATE, "p", "t", correlation_id="x")
    assert key == {"topic": "t", "correlationId": "x"}
    assert "partition" not in value
    assert "offset" not in value


def test_the_first_write_has_no_revision():
    assert "revision" not in record("SEND", "i", DATE, "p", "t", revision=1)[1]
    assert record("SEND", "i", DATE, "p", "t", revision=2)[1]["revision"] == 2


def test_a_duration_of_zero_and_a_negative_one_are_written():
    assert record("ACK", "i", DATE, "p", "t", partition=0, offset=0, duration_ms=0)[1]["durationMs"] == 0
    assert record("ACK", "i", DATE, "p", "t", partition=0, offset=0, duration_ms=-4)[1]["durationMs"] == -4


def test_fields_of_the_input_pass_through_and_never_over_ours():
    value = record("SEND", "i", DATE, "p", "t", extra={"zone": [1], "id": "other"}, cluster="c", settled_by=3)[1]
    assert (value["zone"], value["id"], value["cluster"], value["settledBy"]) == ([1], "i", "c", 3)
