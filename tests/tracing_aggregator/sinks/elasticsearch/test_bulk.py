import orjson
import pytest

from tracing_aggregator.sinks.elasticsearch import bulk
from tracing_aggregator.sinks.elasticsearch.bulk import lines_of, newest, outcome, requests_of
from tracing_aggregator.sinks.elasticsearch.documents import Document
from transforms.input.records import KafkaRecord


def a_document(identity: str = "a", version: int = 1, source: bytes | None = b"{}") -> Document:
    return Document(KafkaRecord("t", 0, 0, version, None, source), "trace-2026.11.22", identity, version, source)


def answer(*results: dict) -> bytes:
    return orjson.dumps({"errors": True, "items": [{"index": result} for result in results]})


def failed(status: int, kind: str) -> dict:
    return {"status": status, "error": {"type": kind, "reason": "told", "caused_by": {"reason": "within"}}}


def test_a_document_is_two_lines_and_a_deletion_one():
    head, source, rest = lines_of(a_document(version=5, source=b'{"a":1}')).split(b"\n")
    assert orjson.loads(head) == {
        "index": {"_index": "trace-2026.11.22", "_id": "a", "version": 5, "version_type": "external_gte"}
    }
    assert (source, rest) == (b'{"a":1}', b"")
    head, rest = lines_of(a_document(source=None)).split(b"\n")
    assert (*orjson.loads(head), rest) == ("delete", b"")


def test_of_each_identity_the_newest_is_written_of_equal_ones_the_last():
    documents = [a_document("a", 2, b"1"), a_document("b", 1), a_document("a", 1, b"2"), a_document("a", 2, b"3")]
    assert newest(documents) == [documents[3], documents[1]]


def test_requests_stay_below_their_length_and_leave_nothing_out(monkeypatch):
    monkeypatch.setattr(bulk, "LONGEST_BODY", 400)
    documents = [a_document(str(number), source=b"x" * (number * 40 % 350)) for number in range(40)]
    requests = list(requests_of(documents))
    assert [each for members in requests for each in members] == documents
    assert all(len(members) == 1 or sum(len(lines_of(each)) for each in members) <= 400 for members in requests)
    assert len(requests) < len(documents)


@pytest.mark.parametrize(
    ("result", "source", "becomes"),
    [
        ({"status": 201}, b"{}", "written"),
        ({"status": 404, "result": "not_found"}, None, "written"),
        (failed(409, "version_conflict_engine_exception"), b"{}", "superseded"),
        (failed(400, "mapper_parsing_exception"), b"{}", "rejected"),
        (failed(400, "document_parsing_exception"), b"{}", "rejected"),
        (failed(400, "validation_exception"), b"{}", "again"),
        (failed(403, "cluster_block_exception"), b"{}", "again"),
        (failed(404, "index_not_found_exception"), None, "again"),
        (failed(429, "es_rejected_execution_exception"), b"{}", "again"),
        (failed(503, "unavailable_shards_exception"), b"{}", "again"),
    ],
)
def test_only_the_fault_of_a_document_rejects_it(result, source, becomes):
    document = a_document(source=source)
    found = outcome([document], answer(result))
    counts = {
        "written": found.written,
        "superseded": found.superseded,
        "rejected": len(found.rejected),
        "again": len(found.again),
    }
    assert counts == {name: int(name == becomes) for name in counts}


def test_a_rejection_and_a_delay_say_why():
    rejected, again = failed(400, "mapper_parsing_exception"), failed(429, "busy")
    found = outcome([a_document("a"), a_document("b"), a_document("c")], answer(rejected, again, {"status": 200}))
    assert found.rejected[0].why == "mapper_parsing_exception: told; within"
    assert (found.why, [each.identity for each in found.again]) == ("429 busy: told; within", ["b"])


def test_an_answer_to_other_documents_is_none():
    with pytest.raises(ValueError, match="zip"):
        outcome([a_document()], answer())
