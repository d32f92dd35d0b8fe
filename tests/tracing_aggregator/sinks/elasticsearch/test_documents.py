import orjson
import pytest

from pipeline.config.settings import Settings
from tests.tracing_aggregator.explain.cases import committed, found, sent
from tracing_aggregator.sinks.elasticsearch.documents import LONGEST_ID, Document, Documents
from tracing_aggregator.sinks.values import RefusedError
from transforms.input.records import KafkaRecord

SETTINGS = Settings(trace_pathways=True)
DAY = sent()["date"][:10].replace("-", ".")


def record(topic: str, value: object, key: bytes | None = b"{}", timestamp: int = 7) -> KafkaRecord:
    return KafkaRecord(topic, 0, 3, timestamp, key, value if isinstance(value, bytes) else orjson.dumps(value))


def document(topic: str, value: object, **more: object) -> Document:
    made = Documents(SETTINGS).of(record(topic, value, **more))
    assert made is not None
    return made


def test_a_trace_lies_under_its_id_in_the_index_of_its_day_as_it_came():
    made = document("_aggregatedTrace", sent(id="abc", extra={"of": "a client"}))
    assert (made.index_name, made.identity, made.version) == (f"trace-{DAY}", "abc", 7)
    assert orjson.loads(made.source) == sent(id="abc", extra={"of": "a client"})


def test_a_withdrawn_record_deletes_its_document():
    assert document("_aggregatedTrace", committed(withdrawn=True, revision=2)).source is None


def test_a_finding_can_be_asked_for_by_time_and_state():
    value = found("lost", deadline="2026-11-22T14:56:00.000Z")
    made = document("_traceAnomaly", value)
    assert (made.index_name, made.identity) == ("kafkatrace-anomaly", "lost:subject")
    assert orjson.loads(made.source) == {**value, "@timestamp": value["deadline"], "resolved": False}
    undated = document("_traceAnomaly", {"id": "evicted:x", "reason": "evicted", "resolved": True}, timestamp=1000)
    assert orjson.loads(undated.source)["@timestamp"] == "1970-01-01T00:00:01.000Z"
    assert orjson.loads(undated.source)["resolved"] is True


def test_statistics_lie_under_their_key_and_pathways_under_their_message():
    key = b'{"topic":"orders","windowStart":"2026-11-22T14:54:00.000Z"}'
    made = document("_traceStats", {"kind": "topic", "windowStart": "2026-11-22T14:54:00.000Z"}, key=key)
    assert (made.index_name, made.identity) == ("kafkatrace-stats-2026.11.22", key.decode())
    made = document("_tracePathway", {"correlationId": "c"})
    assert (made.index_name, made.identity) == ("kafkatrace-pathway", "c")


def test_clusters_that_share_indices_keep_their_findings_apart():
    assert document("_traceAnomaly", found("lost", cluster="eu")).identity == "eu/lost:subject"
    assert document("_aggregatedTrace", sent(id="abc", cluster="eu")).identity == "abc"


def test_an_identity_that_is_too_long_is_told_by_its_hash():
    made = [document("_aggregatedTrace", sent(id="ü" * 300 + end)).identity for end in "aab"]
    assert made[0] == made[1] != made[2]
    assert all(len(identity) < LONGEST_ID for identity in made)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"no", "not-json"),
        (b"[]", "not-an-object"),
        ({"id": "a"}, "missing-field"),
        ({"id": 7, "date": sent()["date"]}, "wrong-field"),
        ({"id": "a", "date": "../../_all"}, "wrong-field"),
        ({"id": "a", "date": "2026-13-45T00:00:00Z"}, "wrong-field"),
    ],
)
def test_what_is_no_record_of_ours_is_refused_with_a_reason(value, reason):
    with pytest.raises(RefusedError) as refused:
        document("_aggregatedTrace", value)
    assert refused.value.reason == reason


def test_a_record_without_a_value_says_nothing():
    assert Documents(SETTINGS).of(KafkaRecord("_traceStats", 0, 1, 7, b"{}", None)) is None


def test_pathways_are_read_where_they_are_on():
    assert "_tracePathway" in Documents(SETTINGS).topics
    assert Documents(Settings()).topics == ("_aggregatedTrace", "_traceAnomaly", "_traceStats")
