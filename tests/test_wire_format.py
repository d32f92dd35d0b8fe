"""The format of raw traces: its schema, its examples and what every known client writes agree with the parser."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from pipeline.config.settings import Settings
from pipeline.envelope import from_line
from tests.test_schemas import DATA, ROOT, check, schema
from tracing_clients.traces import NOWHERE
from tracing_clients.traces import Trace as Written
from transforms.input import strict_parser
from transforms.input.batch_parser import parse_traces
from transforms.input.strict_parser import Refused, parse_trace
from transforms.input.traces import Trace

AHEAD_MS = Settings().date_max_ahead_ms
CASES = [orjson.loads(line) for line in (DATA / "conformance.jsonl").read_bytes().splitlines()]
DOCUMENT = (ROOT / "docs" / "wire-format.md").read_text(encoding="utf-8")
#: What a schema cannot say: it compares two dates, counts bytes, knows the calendar, or tells 7 from 7.0.
BEYOND_SCHEMAS = {"date-out-of-range", "timestamp-out-of-range", "too-large", "no-value", "not-json"}
BLIND = {"a day that is none", "an offset written as 7.0"}
#: Taken all the same, so that nobody's traces are lost for it.
LENIENT = {"a correlationId that is null on an ACK is none"}


def value_of(case: dict[str, Any]) -> bytes | None:
    return None if case["value"] is None else case["value"].encode()


def parsed(case: dict[str, Any]) -> Trace | Refused:
    return parse_trace(value_of(case), case["timestamp"], AHEAD_MS)


def named(case: dict[str, Any]) -> str:
    return str(case["case"])


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_example_is_taken_or_refused_as_it_says(case):
    found = parsed(case)
    if isinstance(found, Refused):
        assert {"deadLetter": found.reason} == case["expected"]
        return
    told = {
        "type": found.type, "id": found.id, "date": found.date, "clientId": found.client_id, "topic": found.topic,
        "groupId": getattr(found, "group_id", None), "correlationId": found.correlation_id, "instantNanos": found.nanos,
        "passedThrough": found.extra,
    }  # fmt: skip
    if found.type != "SEND":
        told |= {"partition": found.partition, "offset": found.offset}
    assert {name: value for name, value in told.items() if value is not None} == case["expected"]["trace"]


def test_a_batch_of_all_examples_is_taken_and_refused_as_each_alone():
    values, timestamps = map(value_of, CASES), (case["timestamp"] for case in CASES)
    assert [parsed(case) for case in CASES] == parse_traces([*values], [*timestamps], AHEAD_MS)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_schema_agrees_with_the_parser_as_far_as_a_schema_can(case):
    reason = case["expected"].get("deadLetter")
    if reason in BEYOND_SCHEMAS or case["case"] in LENIENT | BLIND:
        return
    is_valid = Draft202012Validator(schema("raw-trace")).is_valid(orjson.loads(case["value"]))
    assert is_valid == (reason is None)


def test_there_is_an_example_of_each_phase_and_each_reason():
    source = Path(strict_parser.__file__).read_text(encoding="utf-8")
    reasons = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source))
    # Nested deeper than JSON is written: nothing that one would type as an example.
    assert {case["expected"].get("deadLetter") for case in CASES} == reasons - {"too-deep"} | {None}
    assert {case["expected"].get("trace", {}).get("type") for case in CASES} == {
        "SEND",
        "ACK",
        "CONSUME",
        "COMMIT",
        None,
    }
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in DOCUMENT] == []


def test_what_java_interceptors_write_is_as_the_schema_says():
    records = [from_line(line) for line in (DATA / "real_traces.jsonl").read_bytes().splitlines()]
    for record in records:
        check("raw-trace", orjson.loads(record.value or b""), orjson.loads(record.key or b""))
    assert len(records) > 200


PLACE = {"partition": 1, "offset": 2}


@pytest.mark.parametrize(
    "written",
    [
        Written("SEND", 1, "c", "t", correlation_id="x"),
        Written("ACK", 1, "c", "t", **PLACE, correlation_id="x", record_timestamp=5),
        Written("ACK", 1, "c", "t", NOWHERE, NOWHERE, "x", error="MSG_SIZE_TOO_LARGE"),
        Written("CONSUME", 1, 'c"1', "t", **PLACE, correlation_id="x", group_id="g", record_timestamp=5),
        Written("COMMIT", 1, "c", "t", **PLACE, group_id="g"),
    ],
    ids=lambda written: written.kind,
)
def test_what_our_python_clients_write_is_as_the_schema_says(written):
    key, value = written.record()
    check("raw-trace", orjson.loads(value), orjson.loads(key))


@pytest.mark.parametrize("field", sorted(schema("raw-trace")["properties"]))
def test_every_field_is_explained(field):
    assert f"`{field}`" in DOCUMENT


def test_the_examples_of_the_document_are_taken():
    blocks = DOCUMENT.split("```json\n")[1:]
    examples = [orjson.loads(line) for block in blocks for line in block.split("```")[0].splitlines()]
    for example in examples:
        check("raw-trace", example["value"], example["key"])
    assert {example["value"]["type"] for example in examples} == {"SEND", "ACK", "CONSUME", "COMMIT"}
