"""What is kept of records of observed topics, in columns: where they lie, when, how large, and for whom."""

from collections.abc import Iterable

import numpy as np
from apache_beam.coders import registry
from msgspec import Struct

from transforms.input.record_batch import ColumnsCoder


class ObservedBatch(Struct, array_like=True, gc=False, kw_only=True):
    """Records of one partition, in order, as the columns of arrays; it may be empty, then only `next_offset` is news.

    The partition was read up to `next_offset` at `read_ms` of the reader's clock. `offsets` and `timestamps` (ms,
    negative where a record has none) are int64, `append_times` are bytes: 1 where the timestamp is the broker's
    (LogAppendTime), 0 where it is the producer's; `sizes` are the bytes of key and value, int32. `correlation_ids` are
    those of headers; None if no record has any.
    """

    topic: str
    partition: int
    next_offset: int
    read_ms: int
    offsets: bytes
    timestamps: bytes
    append_times: bytes
    sizes: bytes
    correlation_ids: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.append_times)

    @classmethod
    def of(
        cls,
        place: tuple[str, int],
        next_offset: int,
        read_ms: int,
        rows: Iterable[tuple[int, int, bool, int]],
        correlation_ids: list[str | None],
    ) -> "ObservedBatch":
        """The batch of rows `(offset, timestamp, whether that is the broker's, size)`."""
        table = np.array(list(rows), np.int64).reshape(-1, 4)
        return cls(
            topic=place[0],
            partition=place[1],
            next_offset=next_offset,
            read_ms=read_ms,
            offsets=table[:, 0].tobytes(),
            timestamps=table[:, 1].tobytes(),
            append_times=table[:, 2].astype(np.uint8).tobytes(),
            sizes=table[:, 3].astype(np.int32).tobytes(),
            correlation_ids=correlation_ids if any(correlation_ids) else None,
        )

    @property
    def latest_timestamp(self) -> int:
        """The latest timestamp (ms) of its records; 0 if it has none."""
        return int(np.frombuffer(self.timestamps, np.int64).max(initial=0))


class _ObservedBatchCoder(ColumnsCoder):
    """Of places, times and sizes."""

    kind = ObservedBatch
    bytes_per_record = 25


registry.register_coder(ObservedBatch, _ObservedBatchCoder)
