"""The transport alone copies: what is compared with it must read and write as much."""

from bench.fast import transport
from pipeline.sinks import WriteToMemory
from pipeline.sources import MemorySource
from runners.direct import run_graph
from transforms.input.records import KafkaRecord


def test_every_record_is_written_as_it_was_read():
    read = [KafkaRecord("_tracing", 0, n, 1000 + n, key, b"{%d}" % n) for n, key in enumerate([b"key", None])]
    run_graph(lambda pipeline: transport.build(pipeline, MemorySource(read), WriteToMemory("copied")))
    assert WriteToMemory.records.pop("copied") == [(b"key", b"{0}"), (b"", b"{1}")]
