"""Writes records to Elasticsearch or OpenSearch."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

import orjson

from pipeline.config.settings import Settings
from pipeline.errors import UserError
from tracing_aggregator.sinks.elasticsearch.bulk import Outcome, lines_of, newest, outcome, requests_of
from tracing_aggregator.sinks.elasticsearch.documents import Document, Documents
from tracing_aggregator.sinks.elasticsearch.templates import templates
from tracing_aggregator.sinks.http import RefusedRequest, Service
from tracing_aggregator.sinks.retry import Persistence, TransientError
from tracing_aggregator.sinks.values import RefusedError
from transforms.input.dead_letters import DeadLetter
from transforms.input.records import KafkaRecord

_JSON = "application/json"
_LINES = "application/x-ndjson"
REJECTED = "rejected-by-elasticsearch"


class Elasticsearch:
    """The target of `sink elasticsearch`. Raises UserError for settings that contradict each other."""

    def __init__(self, settings: Settings) -> None:
        self._documents = Documents(settings)
        self.topics = self._documents.topics
        self._service = Service(
            "Elasticsearch",
            "elasticsearch",
            settings.elasticsearch_url,
            headers=_key(settings),
            auth=_user(settings),
            ca_file=settings.elasticsearch_ca_file,
        )
        self.address = self._service.shown

    def begin(self, persistence: Persistence) -> None:
        """Put the index templates; they are for indices that are made from now on."""
        for name, template in templates().items():
            put = partial(self._service.send, "PUT", f"/_index_template/{name}", orjson.dumps(template), _JSON)
            answer = persistence.until_done(put)
            if isinstance(answer, RefusedRequest):
                raise UserError(
                    f"Elasticsearch at {self.address} refuses the index template {name}: {answer.status} {answer.text}",
                    "Elasticsearch 7.8 or later, or OpenSearch, is needed.",
                )

    def write(self, records: Sequence[KafkaRecord], persistence: Persistence, tally: Counter[str]) -> list[DeadLetter]:
        """Returns when all are written; what is refused for good comes back."""
        letters: list[DeadLetter] = []
        for documents in requests_of(newest(self._documents_of(records, letters))):
            letters += self._write(documents, persistence, tally)
        return letters

    def _write(self, documents: list[Document], persistence: Persistence, tally: Counter[str]) -> list[DeadLetter]:
        """Write documents in one request, and again what is not taken yet; in halves if they are too long together."""
        letters: list[DeadLetter] = []
        waiting = documents

        def attempt() -> bool:
            """Whether the request was short enough."""
            nonlocal waiting
            answer = self._service.send("POST", "/_bulk", b"".join(map(lines_of, waiting)), _LINES)
            if isinstance(answer, RefusedRequest):
                if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    return False
                why = f"Elasticsearch at {self.address} refuses a bulk request: {answer.status} {answer.text}"
                raise UserError(why, "Nothing is lost: the next start goes on with the same records.")
            found = self._outcome(waiting, answer)
            tally["written"] += found.written
            tally["superseded"] += found.superseded
            letters.extend(_letter(rejected.document, rejected.why) for rejected in found.rejected)
            waiting = found.again
            if waiting:
                raise TransientError(f"Elasticsearch at {self.address} does not take {len(waiting)} yet ({found.why})")
            return True

        if persistence.until_done(attempt):
            return letters
        if len(waiting) == 1:
            return [*letters, _letter(waiting[0], "larger than the server takes")]
        half = len(waiting) // 2
        for part in (waiting[:half], waiting[half:]):
            letters += self._write(part, persistence, tally)
        return letters

    def _outcome(self, documents: list[Document], answer: bytes) -> Outcome:
        try:
            return outcome(documents, answer)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TransientError(f"what answers at {self.address} is no Elasticsearch: {answer[:100]!r}") from error

    def _documents_of(self, records: Sequence[KafkaRecord], letters: list[DeadLetter]) -> list[Document]:
        documents = []
        for record in records:
            try:
                document = self._documents.of(record)
            except RefusedError as refused:
                letters.append(DeadLetter(record, refused.reason, refused.detail))
            else:
                documents += [document] if document else []
        return documents


def _letter(document: Document, why: str) -> DeadLetter:
    return DeadLetter(document.record, REJECTED, why)


def _user(settings: Settings) -> tuple[str, str] | None:
    return (settings.elasticsearch_user, settings.elasticsearch_password) if settings.elasticsearch_user else None


def _key(settings: Settings) -> dict[str, str]:
    if not settings.elasticsearch_api_key:
        return {}
    if settings.elasticsearch_user:
        raise UserError("elasticsearch.user and elasticsearch.api.key are both set.", "Give one of them.")
    return {"Authorization": f"ApiKey {settings.elasticsearch_api_key}"}
