"""Names for the readers of Kafka, chosen so that Flink spreads them evenly over the instances of a step.

A reader is a key of state, and Flink decides by a hash where a key lives: the hash gives one of `max_parallelism` key
groups, and instance i of n has the groups from i/n to (i+1)/n (KeyGroupRangeAssignment in Flink, FlinkKey in Beam).
"""

import struct

import mmh3


def key_group(key: bytes, max_parallelism: int) -> int:
    """The key group in which Flink keeps the state of a key of bytes; shorter than 128 bytes."""
    encoded = bytes([len(key)]) + key  # as Beam's coder writes it
    (java_hash,) = struct.unpack("<i", mmh3.hash_bytes(encoded, 0)[:4])
    return abs(mmh3.hash(struct.pack("<i", java_hash), 0)) % max_parallelism


def instance(group: int, parallelism: int, max_parallelism: int) -> int:
    """The instance of a step, from 0, that has this key group."""
    return group * parallelism // max_parallelism


def reader_keys(readers: int, max_parallelism: int) -> list[bytes]:
    """The keys of so many readers. Any first few of them are spread as evenly as all: partitions fill them in order."""
    return [_key_in(_place(number, readers, max_parallelism), number, max_parallelism) for number in range(readers)]


def _place(number: int, readers: int, max_parallelism: int) -> int:
    """The key group for a reader: halves, then quarters, then eighths of all groups (van der Corput's sequence)."""
    fraction, step, rest = 0.0, 0.5, number
    while rest:
        fraction += step * (rest & 1)
        rest >>= 1
        step /= 2
    return int((fraction + 0.5 / readers) * max_parallelism) % max_parallelism


def _key_in(group: int, number: int, max_parallelism: int) -> bytes:
    attempt = 0
    while key_group(key := b"reader-%d.%d" % (number, attempt), max_parallelism) != group:
        attempt += 1
    return key
