from pathlib import Path

import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.envelope import to_line
from pipeline.errors import UserError
from tests.histories import any_trace, value_of
from tests.tracing_aggregator.explain.cases import acked, at, consumed, found, sent
from tracing_aggregator.explain.output_records import Folder, explain, replayed
from tracing_aggregator.explain.subject import subject_of
from transforms.input.records import COMMIT, CONSUME, SEND

DATA = Path(__file__).parents[2] / "data"


def folder(path: Path, records: list, findings: list) -> Folder:
    for name, values in (("_aggregatedTrace", records), ("_traceAnomaly", findings)):
        lines = [to_line(name, b"{}", orjson.dumps(value)) for value in values]
        (path / f"{name}.jsonl").write_bytes(b"".join(lines))
    return Folder(path, Settings())


def test_the_folder_of_a_replay_is_read(tmp_path):
    outputs = folder(tmp_path, [acked(), sent(), consumed(offset=43, correlationId="d")], [found("unacked")])
    shown = explain(outputs, subject_of("c"))
    assert [step.type for step in shown.messages[0].steps][:2] == ["SEND", "ACK"]
    assert [one["reason"] for one in shown.findings] == ["unacked"]
    assert outputs.looked_at == [str(tmp_path / "_aggregatedTrace.jsonl"), str(tmp_path / "_traceAnomaly.jsonl")]


def test_a_folder_without_the_aggregated_topic_is_refused_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(UserError, match="tracing-aggregator replay FILE… --output"):
        Folder(tmp_path, Settings())


def test_a_line_that_is_no_record_is_named(tmp_path):
    outputs = folder(tmp_path, [], [])
    (tmp_path / "_aggregatedTrace.jsonl").write_text('\n{"payload": "{"}\n')
    with pytest.raises(UserError, match="line 1, is no record of an output topic"):
        explain(outputs, subject_of("c"))


def test_genuine_raw_traces_are_replayed_and_every_message_of_them_is_whole():
    with replayed([str(DATA / "real_traces.jsonl")], Settings()) as outputs:
        sends = [one for one in outputs.records() if one["type"] == "SEND"]
        timelines = [explain(outputs, subject_of(one["correlationId"])) for one in sends]
        places = [explain(outputs, subject_of(str(one.messages[0].place))) for one in timelines]
    assert len(timelines) == 48
    for shown in timelines:
        [message] = shown.messages
        kinds = [(step.type, step.group_id) for step in message.steps]
        assert kinds[:2] == [("SEND", None), ("ACK", None)]
        assert sorted(kinds[2:]) == [
            ("COMMIT", "groupA"), ("COMMIT", "groupB"), ("CONSUME", "groupA"), ("CONSUME", "groupB"),
        ]  # fmt: skip
    assert [shown.messages for shown in places] == [shown.messages for shown in timelines]


def test_hand_made_traces_of_two_hops_are_replayed_into_one_timeline(tmp_path):
    place = {"topic": "invoices", "partition": 3, "offset": 7}
    items = [
        any_trace(type=SEND, id="s1", topic="orders"),
        any_trace(type=CONSUME, id="r1", topic="orders", offset=42, at=100),
        any_trace(type=CONSUME, id="r2", topic="orders", offset=42, at=200, client_id="other"),
        any_trace(type=COMMIT, id="k1", topic="orders", offset=60, at=300),
        any_trace(type=SEND, id="s2", topic="invoices", at=140),
        any_trace(type=CONSUME, id="r3", **place, group_id="mail", at=500),
        any_trace(type=CONSUME, id="later", topic="else", correlation_id="else", at=400_000),
    ]
    file = tmp_path / "traces.jsonl"
    envelopes = [{"ts": item.timestamp, "payload": orjson.dumps(value_of(item)).decode()} for item in items]
    file.write_bytes(b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in envelopes))
    with replayed([str(file)], Settings()) as outputs:
        shown = explain(outputs, subject_of("invoices/3/7"))
    assert [(str(one.place), one.hop) for one in shown.messages] == [("orders/0/42", 1), ("invoices/3/7", 2)]
    labels = [[step.label for step in message.steps if step.date] for message in shown.messages]
    assert labels[0][1] == "100 ms until group read it"
    assert labels[0][2].startswith("read again by group, delivery 2, 100 ms after the first")
    assert labels[0][3] == "100 ms until committed by the commit at offset 60"
    assert labels[1] == ["sent, 40 ms after group read orders/0/42", "360 ms until mail read it"]
    assert [step.gap for step in shown.messages[0].steps if step.gap] == ["unacked"]
    assert {"unacked", "over-consumed"} <= {one["reason"] for one in shown.findings}


def test_a_correlation_id_that_many_messages_bear_is_refused_and_their_positions_are_shown_alone(tmp_path):
    records = [sent(n, offset=n) for n in range(2501)] + [consumed(n, offset=n, id=f"r{n}") for n in range(2501)]
    outputs = folder(tmp_path, records, [])
    with pytest.raises(UserError, match="does not name one message"):
        explain(outputs, subject_of("c"))
    shown = explain(outputs, subject_of("orders/0/42"))
    assert [str(message.place) for message in shown.messages] == ["orders/0/42"]
    assert shown.correlation_ids == ("c",)


def test_a_beginning_of_several_correlation_ids_names_them(tmp_path):
    outputs = folder(tmp_path, [sent(correlationId="0123-a"), sent(1, correlationId="0123-b", offset=43)], [])
    with pytest.raises(UserError, match="2 correlationIds begin with 0123") as refused:
        explain(outputs, subject_of("0123"))
    assert refused.value.todo.split() == [
        "tracing-aggregator", "explain", "0123-a",
        "tracing-aggregator", "explain", "0123-b",
    ]  # fmt: skip


def test_a_correlation_id_that_another_one_begins_with_is_found_itself(tmp_path):
    outputs = folder(tmp_path, [sent(correlationId="0123"), sent(1, correlationId="0123-b", offset=43)], [])
    assert explain(outputs, subject_of("0123")).correlation_ids == ("0123",)


def test_the_incident_of_a_message_is_named_with_what_it_did_to_others(tmp_path):
    again = [
        found("over-consumed", id=f"again-{offset}", groupId="shipping", offset=offset, cause="rewind", date=at(offset))
        for offset in (41, 42)
    ]
    back = found("rewound", id="back", groupId="shipping", offset=40, fromOffset=43, correlationId=None, date=at(60))
    shown = explain(folder(tmp_path, [sent()], [*again, back]), subject_of("c"))
    assert [incident.text for incident in shown.incidents] == [
        "shipping went back 3 offsets in orders: 2 messages read again"
    ]
