"""LinkHeaders: the correlationIds in the headers of business topics, as links to positions.

In: records of business topics. Out: one `HeaderLink` for each record that bears the interceptors' header; records
without it are dropped: they were not traced. Keys and payloads are never looked at.
"""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam

from transforms.parse_traces import MAX_TEXT_LENGTH
from transforms.records import LATEST_TIMESTAMP, HeaderLink, KafkaRecord

HEADER = "correlationId"


def header_link(record: KafkaRecord) -> HeaderLink | None:
    """The link that a record of a business topic gives; None without a usable header. The last of several holds."""
    for header in reversed(record.headers or ()):
        if header.key == HEADER and header.value:
            correlation = header.value.decode("utf-8", "replace")[:MAX_TEXT_LENGTH]
            timestamp = min(max(record.timestamp, 0), LATEST_TIMESTAMP)
            return HeaderLink(record.topic, record.partition, record.offset, correlation, timestamp)
    return None


class LinkHeaders(beam.PTransform):
    """See the head of this file."""

    def expand(self, records: beam.PCollection) -> beam.PCollection[HeaderLink]:
        """The links. The records may be rows of ReadFromKafka, which have a type of their own."""
        return records | "ReadHeader" >> beam.FlatMap(_links).with_output_types(HeaderLink)


def _links(record: Any) -> Iterator[HeaderLink]:
    link = header_link(record)
    if link is not None:
        yield link
