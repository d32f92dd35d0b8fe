"""Many Kafka records as one element: a step, a coder and a runner cost for each element, whatever is in it."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from apache_beam.coders import Coder, registry
from msgspec import Struct, msgpack

from transforms.input.records import Header, KafkaRecord

#: Of a batch that is gathered record by record.
MAX_RECORDS = 1000
MAX_BYTES = 1024 * 1024


class RecordBatch(Struct, array_like=True, gc=False, kw_only=True):
    """Records of any topics and partitions, in order: the columns have an item for each record.

    Timestamps are in ms, negative where a record has none. `headers` is None if no record has any.
    """

    topics: list[str]
    partitions: list[int]
    offsets: list[int]
    timestamps: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]
    headers: list[tuple[Header, ...]] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, records: Iterable[Any]) -> "RecordBatch":
        """The batch of these `KafkaRecord`s, or rows with the same fields."""
        rows = list(records)
        headers = [tuple(Header(header.key, header.value) for header in row.headers or ()) for row in rows]
        return cls(
            topics=[row.topic for row in rows],
            partitions=[row.partition for row in rows],
            offsets=[row.offset for row in rows],
            timestamps=[row.timestamp for row in rows],
            keys=[row.key for row in rows],
            values=[row.value for row in rows],
            headers=headers if any(headers) else None,
        )

    @property
    def latest_timestamp(self) -> int:
        """The latest timestamp (ms) of its records; 0 if none has one."""
        return max(0, *self.timestamps)

    def records(self) -> Iterator[KafkaRecord]:
        """One by one."""
        headers = [()] * len(self) if self.headers is None else self.headers
        columns = self.topics, self.partitions, self.offsets, self.timestamps, self.keys, self.values, headers
        return map(KafkaRecord, *columns)


class Gatherer:
    """Gathers records into batches. One is full with MAX_RECORDS, or as soon as keys and values have MAX_BYTES."""

    def __init__(self) -> None:
        self._records: list[KafkaRecord] = []
        self._bytes = 0

    def add(self, record: KafkaRecord) -> Iterator[RecordBatch]:
        """Take a record; the batch, if it is full with it."""
        self._records.append(record)
        self._bytes += len(record.key or b"") + len(record.value or b"")
        if len(self._records) >= MAX_RECORDS or self._bytes >= MAX_BYTES:
            yield from self.rest()

    def rest(self) -> Iterator[RecordBatch]:
        """The batch of what is left, if anything is."""
        if self._records:
            yield RecordBatch.of(self._records)
        self._records, self._bytes = [], 0


class ColumnsCoder(Coder):
    """MessagePack, column by column, of a type that a subclass names, with about how many bytes a record of it has."""

    kind: ClassVar[type[Struct]]
    bytes_per_record: ClassVar[int]

    def encode(self, value: Any) -> bytes:
        """The bytes of a batch."""
        return msgpack.encode(value)

    def decode(self, encoded: bytes) -> Any:
        """The batch in these bytes."""
        return msgpack.decode(encoded, type=self.kind)

    def estimate_size(self, value: Any) -> int:
        """About so many bytes: Beam asks for it with each bundle (transforms/state/batches.py)."""
        return self.bytes_per_record * len(value)

    def is_deterministic(self) -> bool:
        """Equal batches have equal bytes."""
        return True


class RecordBatchCoder(ColumnsCoder):
    """Of records with keys, values and headers."""

    kind = RecordBatch
    bytes_per_record = 300


registry.register_coder(RecordBatch, RecordBatchCoder)
