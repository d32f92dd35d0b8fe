"""Bulk requests: how they are written, and what their answers say of each document."""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from tracing_aggregator.sinks.elasticsearch.documents import Document

#: Bytes of a request; servers take 100 MB unless told otherwise, proxies often much less.
LONGEST_BODY = 5 << 20

#: The document is at fault, and would be at each new attempt. Elasticsearch 8.8 gave the first a new name, the second.
_FAULTS = frozenset(
    {
        "mapper_parsing_exception",
        "document_parsing_exception",
        "strict_dynamic_mapping_exception",
        "illegal_argument_exception",
    }
)


class Rejected(NamedTuple):
    """A document that the server refuses for good, and why."""

    document: Document
    why: str


class Outcome(NamedTuple):
    """What became of a request's documents.

    Attributes:
        written: how many are there now, or are gone that should be.
        superseded: how many were not written because a later version is there.
        rejected: those that will never be taken.
        again: those to try again, and `why`, of the first.
    """

    written: int
    superseded: int
    rejected: list[Rejected]
    again: list[Document]
    why: str


def newest(documents: Iterable[Document]) -> list[Document]:
    """Of each identity the newest document; of equal versions the last."""
    kept: dict[tuple[str, str], Document] = {}
    for document in documents:
        identity = document.index_name, document.identity
        known = kept.get(identity)
        if known is None or known.version <= document.version:
            kept[identity] = document
    return list(kept.values())


def lines_of(document: Document) -> bytes:
    """The lines of a bulk request for one document."""
    head = {
        "_index": document.index_name,
        "_id": document.identity,
        "version": document.version,
        "version_type": "external_gte",
    }
    if document.source is None:
        return orjson.dumps({"delete": head}) + b"\n"
    return orjson.dumps({"index": head}) + b"\n" + document.source + b"\n"


def requests_of(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Documents in the order that they came in, as many together as fit into a request of `LONGEST_BODY` bytes."""
    members: list[Document] = []
    size = 0
    for document in documents:
        length = len(lines_of(document))
        if members and size + length > LONGEST_BODY:
            yield members
            members, size = [], 0
        members.append(document)
        size += length
    if members:
        yield members


def outcome(documents: Sequence[Document], answer: bytes) -> Outcome:
    """Read the answer to a bulk request of these documents. Raises ValueError if it is none."""
    items = orjson.loads(answer)["items"]
    found = Outcome(0, 0, [], [], "")
    for document, item in zip(documents, items, strict=True):
        [result] = item.values()
        found = _judged(found, document, result)
    return found


def _judged(found: Outcome, document: Document, result: dict[str, Any]) -> Outcome:
    status, error = result["status"], result.get("error") or {}
    kind, why = error.get("type", ""), _why(error)
    was_gone = document.source is None and status == HTTPStatus.NOT_FOUND and not error
    if status < HTTPStatus.MULTIPLE_CHOICES or was_gone:
        return found._replace(written=found.written + 1)
    if status == HTTPStatus.CONFLICT:
        return found._replace(superseded=found.superseded + 1)
    if status == HTTPStatus.BAD_REQUEST and kind in _FAULTS:
        found.rejected.append(Rejected(document, why))
        return found
    # A full queue, a shard that moves, a disk at its limit, an index that may not be made: none of them the document's.
    found.again.append(document)
    return found._replace(why=found.why or f"{status} {why}")


def _why(error: dict[str, Any]) -> str:
    """What the server says, with the innermost cause, which names the field."""
    texts = [f"{error.get('type')}: {error.get('reason')}"]
    while isinstance(error := error.get("caused_by") or {}, dict) and error:
        texts.append(str(error.get("reason")))
    return "; ".join(dict.fromkeys(texts))
