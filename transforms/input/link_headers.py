"""LinkHeaders: the correlationIds in the headers of business topics, as links to positions.

In: batches of records of business topics. Out: lists with a `HeaderLink` for each record. A record without the
interceptors' header was not traced, but it is there: its link names no correlationId. Keys and payloads are never
looked at.
"""

from collections.abc import Sequence

import apache_beam as beam

from transforms.input.record_batch import RecordBatch
from transforms.input.records import LATEST_TIMESTAMP, Header, HeaderLink, KafkaRecord
from transforms.input.traces import MAX_TEXT_LENGTH
from transforms.state.batches import Links

HEADER = "correlationId"


def correlation_of(headers: Sequence[Header] | None) -> str | None:
    """The correlationId in the headers of a record. Of several headers the last usable one holds."""
    for header in reversed(headers or ()):
        if header.key == HEADER and header.value:
            return header.value.decode("utf-8", "replace")[:MAX_TEXT_LENGTH]
    return None


def header_link(record: KafkaRecord) -> HeaderLink:
    """The link that a record of a business topic gives."""
    timestamp = min(max(record.timestamp, 0), LATEST_TIMESTAMP)
    correlation = correlation_of(record.headers)
    return HeaderLink(record.topic, record.partition, record.offset, correlation, timestamp)


class LinkHeaders(beam.PTransform):
    """See the head of this file."""

    def expand(self, batches: beam.PCollection[RecordBatch]) -> beam.PCollection[Links]:
        """The links."""
        return batches | "ReadHeader" >> beam.Map(_links)


def _links(batch: RecordBatch) -> Links:
    return Links(header_link(record) for record in batch.records())
