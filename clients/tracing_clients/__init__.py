"""Producers and consumers of confluent-kafka that write a trace for each phase of each message.

`TracingProducer` and `TracingConsumer` take the place of `Producer` and `Consumer` and behave as these do. Besides,
they write SEND, ACK, CONSUME and COMMIT records to the topic `_tracing`. What goes wrong with that is counted, see
`.tracing.stats()`, and never reaches the application.
"""

from tracing_clients.consumer import TracingConsumer
from tracing_clients.producer import TracingProducer
from tracing_clients.tracing import Stats, Tracing

__all__ = ["Stats", "Tracing", "TracingConsumer", "TracingProducer"]
