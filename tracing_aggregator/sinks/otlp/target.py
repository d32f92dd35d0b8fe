"""Sends spans to an OpenTelemetry receiver by OTLP/HTTP."""

import gzip
from collections import Counter
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from pipeline.config.setting_types import header_pairs
from pipeline.config.settings import Settings
from pipeline.errors import UserError
from tracing_aggregator.sinks.http import RefusedRequest, Service
from tracing_aggregator.sinks.otlp.encode import rejected, request_of
from tracing_aggregator.sinks.otlp.exported_spans import ExportedSpan, Spans
from tracing_aggregator.sinks.retry import Persistence, TransientError
from tracing_aggregator.sinks.values import RefusedError
from transforms.input.dead_letters import DeadLetter
from transforms.input.records import KafkaRecord

_PATH = "/v1/traces"
_PROTOBUF = "application/x-protobuf"
REJECTED = "rejected-by-otlp"
#: Something in the request is at fault: in halves, what is not goes through.
_FAULTS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})


class _Exported(NamedTuple):
    """A span and the record that it is made of."""

    span: ExportedSpan
    record: KafkaRecord


class Otlp:
    """The target of `sink otlp`."""

    def __init__(self, settings: Settings) -> None:
        self._spans = Spans(settings)
        self.topics = self._spans.topics
        self._service = Service(
            "The OpenTelemetry receiver",
            "otlp",
            settings.otlp_url,
            headers=header_pairs(settings.otlp_headers),
            ca_file=settings.otlp_ca_file,
        )
        self.address = self._service.shown

    def begin(self, persistence: Persistence) -> None:
        """Send nothing, to hear whether somebody is there who understands it."""
        persistence.until_done(partial(self._send, []))

    def write(self, records: Sequence[KafkaRecord], persistence: Persistence, tally: Counter[str]) -> list[DeadLetter]:
        """Returns when the receiver has acknowledged the spans; what it refuses for good comes back."""
        letters: list[DeadLetter] = []
        exported = []
        for record in records:
            try:
                span = self._spans.of(record)
            except RefusedError as refused:
                letters.append(DeadLetter(record, refused.reason, refused.detail))
            else:
                exported += [_Exported(span, record)] if span else []
        # Of one span the newest word, as far as it is in hand.
        newest = list({each.span.span_id: each for each in exported}.values())
        return letters + (self._write(newest, persistence, tally) if newest else [])

    def _write(self, exported: list[_Exported], persistence: Persistence, tally: Counter[str]) -> list[DeadLetter]:
        answer = persistence.until_done(partial(self._send, [each.span for each in exported]))
        if isinstance(answer, RefusedRequest):
            if len(exported) == 1:
                return [DeadLetter(exported[0].record, REJECTED, f"{answer.status} {answer.text}")]
            half = len(exported) // 2
            parts = (exported[:half], exported[half:])
            return [letter for part in parts for letter in self._write(part, persistence, tally)]
        lost, why = answer
        tally["spans written"] += len(exported) - lost
        if lost:
            # Which ones it does not say, and OTLP forbids to send them again.
            tally["spans that the receiver dropped"] += lost
            persistence.tell(f"The receiver took all but {lost} of {len(exported)} spans: {why}")
        return []

    def _send(self, spans: list[ExportedSpan]) -> tuple[int, str] | RefusedRequest:
        """How many spans were not taken, and why; or that the request is at fault."""
        body = gzip.compress(request_of(spans), compresslevel=1)
        answer = self._service.send("POST", _PATH, body, _PROTOBUF, **{"Content-Encoding": "gzip"})
        if not isinstance(answer, RefusedRequest):
            try:
                return rejected(answer)
            except ValueError as error:
                raise TransientError(f"what answers at {self.address} is no OTLP receiver") from error
        if answer.status in _FAULTS:
            return answer
        raise UserError(
            f"No OTLP/HTTP receiver takes spans at {self.address}{_PATH}: {answer.status} {answer.text}",
            "otlp.url is its address without /v1/traces, and its port for HTTP (4318), not that for gRPC (4317).",
        )
