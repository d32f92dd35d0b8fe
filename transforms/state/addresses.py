"""The keys of the views. They are part of the saved state: block size and shard count are frozen with it."""

from functools import lru_cache
from typing import cast
from zlib import crc32

import orjson

from transforms.input.json_bytes import dump

#: Destinations of events, and names of the outputs that carry them.
LOCATE = "locate"
ORDER = "order"
JOIN = "join"
FOLLOW = "follow"
PRODUCE = "produce"
STATS = "stats"
LIMIT = "limit"
PATHS = "paths"
OBSERVE = "observe"
GROUPS = "groups"
#: The output that carries what goes to one of the four kinds of views of PlaceFacts.
PLACE = "place"
_KIND_ENDS = b":"


def shard_of(topic: str, correlation_id: str, shards: int) -> int:
    """The shard where all facts of one correlationId in one topic meet."""
    return crc32(f"{correlation_id}\n{topic}".encode()) % shards


def shard_key(shard: int) -> bytes:
    """The key of a SendsView."""
    return b"%d" % shard


@lru_cache(maxsize=65536)
def commits_key(group_id: str, topic: str, partition: int) -> bytes:
    """The key of a CommitsView."""
    return dump([group_id, topic, partition])


@lru_cache(maxsize=65536)
def block_key(topic: str, partition: int, block: int) -> bytes:
    """The key of JoinBlocks: `block` is offset // block size."""
    return dump([topic, partition, block])


@lru_cache(maxsize=65536)
def partition_key(topic: str, partition: int) -> bytes:
    """The key of a FollowersView, and of an ObservedPartitionView."""
    return dump([topic, partition])


@lru_cache(maxsize=65536)
def topic_key(topic: str) -> bytes:
    """The key of a ProducersView."""
    return dump(topic)


def group_key(group_id: str) -> bytes:
    """The key of a GroupsView."""
    return group_id.encode()


def window_key(topic: str, start: int) -> bytes:
    """The key of KeepStats for messages of this topic that were produced in the minute from `start` (ms)."""
    return dump(["window", topic, start])


def skew_key(one: str, other: str, start: int) -> bytes:
    """The key of KeepStats for the clocks of two clients, in order of their names, in the hour from `start` (ms)."""
    return dump(["skew", one, other, start])


def finding_key(reason: str, topic: str | None, group: str | None, minute: int) -> bytes:
    """The key of LimitFindings; `minute` (ms) is the start of one."""
    return dump([reason, topic, group, minute])


def place_key(kind: str, key: bytes) -> bytes:
    """The key in PlaceFacts of what has this key among its kind of views."""
    return kind.encode() + _KIND_ENDS + key


def kind_and_key(place: bytes) -> tuple[str, bytes]:
    """What `place_key` was made of."""
    kind, _, key = place.partition(_KIND_ENDS)
    return kind.decode(), key


def parts_of(key: bytes) -> tuple[str, str | int, int]:
    """The three parts of a commits key or a block key."""
    return cast("tuple[str, str | int, int]", tuple(orjson.loads(key)))
