"""LinkHeaders: the correlationIds in the headers of business topics, as links to positions.

In: records of business topics. Out: one `HeaderLink` for each. A record without the interceptors' header was not
traced, but it is there: its link names no correlationId. Keys and payloads are never looked at.
"""

from typing import Any

import apache_beam as beam

from transforms.parse_traces import MAX_TEXT_LENGTH
from transforms.records import LATEST_TIMESTAMP, HeaderLink, KafkaRecord

HEADER = "correlationId"


def header_link(record: KafkaRecord) -> HeaderLink:
    """The link that a record of a business topic gives. Of several headers the last usable one holds."""
    correlation = None
    for header in reversed(record.headers or ()):
        if header.key == HEADER and header.value:
            correlation = header.value.decode("utf-8", "replace")[:MAX_TEXT_LENGTH]
            break
    timestamp = min(max(record.timestamp, 0), LATEST_TIMESTAMP)
    return HeaderLink(record.topic, record.partition, record.offset, correlation, timestamp)


class LinkHeaders(beam.PTransform):
    """See the head of this file."""

    def expand(self, records: beam.PCollection) -> beam.PCollection[HeaderLink]:
        """The links. The records may be rows of ReadFromKafka, which have a type of their own."""
        return records | "ReadHeader" >> beam.Map(_link).with_output_types(HeaderLink)


def _link(record: Any) -> HeaderLink:
    return header_link(record)
