"""The records of `__consumer_offsets`, in which brokers keep the commits and the members of all groups.

The formats are those of Kafka's message schemas (group-coordinator, common/message). The first two bytes of a key say
what the record is about:

    0, 1  a commit of a group in a partition                          brokers 0.8.2 to 4.x
    2     a group of the classic protocol: generation and members     0.9 to 4.x
    3, 5  a group of the consumer protocol (KIP-848): epoch; member   3.7 to 4.x
    4, 6, 7, 8, 16  more of such a group, which nobody here asks for

A record without a value is a tombstone: what its key names is no more. Any bytes may come: what is not understood is
`Unknown`, and nothing here raises.
"""

from typing import NamedTuple

from transforms.observe.wire import MalformedError, Wire

#: The topic.
CONSUMER_OFFSETS = "__consumer_offsets"

_OFFSET_COMMITS, _CLASSIC_GROUP, _GROUP_EPOCH, _GROUP_MEMBER = (0, 1), 2, 3, 5
_NOT_ASKED_FOR = frozenset({4, 6, 7, 8, 16})
#: The newest version of a value that we know, and the first flexible one: of commits, and of classic groups.
_NEWEST = _FLEXIBLE = 4
_WITH_EPOCH, _ONLY_WITH_EXPIRY = 3, 1
_WITH_TIMEOUT, _WITH_STATE_TIME, _WITH_INSTANCE = 1, 2, 3
_TOPIC_ID_TAG = 0


class OffsetCommitted(NamedTuple):
    """A group's next offset in a partition, and when it was committed (ms); no `offset`: it was deleted, or expired.

    `topic_id` are the 16 bytes of the topic's id, or none: brokers before 4.x do not write it.
    """

    group: str
    topic: str
    partition: int
    offset: int | None
    committed_ms: int = -1
    topic_id: bytes = b""


class ClassicMember(NamedTuple):
    """A member, and the partitions that it was assigned, by topic."""

    member_id: str
    client_id: str
    host: str
    assigned: dict[str, list[int]]


class ClassicGroup(NamedTuple):
    """All of a group of the classic protocol after a rebalance. Without members it is empty, or (a tombstone) gone.

    Each generation is one rebalance. `protocol_type` is `consumer` for consumers, empty where nobody is a member.
    """

    group: str
    generation: int
    members: list[ClassicMember]
    protocol_type: str = ""
    is_gone: bool = False


class GroupEpoch(NamedTuple):
    """A group of the consumer protocol; the epoch rises when its members or their topics change. None: it is gone."""

    group: str
    epoch: int | None


class GroupMember(NamedTuple):
    """A member of a group of the consumer protocol has joined, or changed; or it left (`is_gone`)."""

    group: str
    member_id: str
    client_id: str = ""
    host: str = ""
    topics: tuple[str, ...] = ()
    is_gone: bool = False


class NotAskedFor(NamedTuple):
    """A record of a kind that is known and of no use here."""

    kind: int


class Unknown(NamedTuple):
    """A record that is not understood: of another kind or version, or not what its kind and version say."""

    why: str


OffsetsRecord = OffsetCommitted | ClassicGroup | GroupEpoch | GroupMember | NotAskedFor | Unknown


def parse(key: bytes | None, value: bytes | None) -> OffsetsRecord:
    """What a record says. Never raises."""
    if key is None:
        return Unknown("a record without a key")
    try:
        return _parse(Wire(key), value)
    except MalformedError as error:
        return Unknown(str(error))


def _parse(key: Wire, value: bytes | None) -> OffsetsRecord:
    kind = key.int16()
    if kind in _OFFSET_COMMITS:
        return _commit(key.text(), key.text(), key.int32(), value)
    if kind == _CLASSIC_GROUP:
        return _classic(key.text(), value)
    if kind == _GROUP_EPOCH:
        return _epoch(key.text(), value)
    if kind == _GROUP_MEMBER:
        return _member(key.text(), key.text(), value)
    return NotAskedFor(kind) if kind in _NOT_ASKED_FOR else Unknown(f"records of kind {kind}")


def _commit(group: str, topic: str, partition: int, value: bytes | None) -> OffsetsRecord:
    if value is None:
        return OffsetCommitted(group, topic, partition, None)
    wire, version = _versioned(value, "commit")
    offset = wire.int64()
    if version >= _WITH_EPOCH:
        wire.int32()
    wire.text_or_none()  # what the client remembers with it
    committed_ms = wire.int64()
    if version == _ONLY_WITH_EXPIRY:
        wire.int64()
    topic_id = wire.tags().get(_TOPIC_ID_TAG, b"")
    if partition < 0 or offset < 0:
        raise MalformedError(f"offset {offset} of partition {partition}")
    return OffsetCommitted(group, topic, partition, offset, committed_ms, topic_id)


def _classic(group: str, value: bytes | None) -> OffsetsRecord:
    if value is None:
        return ClassicGroup(group, 0, [], is_gone=True)
    wire, version = _versioned(value, "group")
    protocol_type, generation = wire.text(), wire.int32()
    wire.text_or_none()  # how partitions are assigned
    wire.text_or_none()  # who leads
    if version >= _WITH_STATE_TIME:
        wire.int64()
    members = wire.many(lambda: _classic_member(wire, version, is_consumer=protocol_type == "consumer"))
    wire.tags()
    return ClassicGroup(group, generation, members, protocol_type)


def _classic_member(wire: Wire, version: int, *, is_consumer: bool) -> ClassicMember:
    member_id = wire.text()
    if version >= _WITH_INSTANCE:
        wire.text_or_none()
    client_id, host = wire.text(), wire.text()
    if version >= _WITH_TIMEOUT:
        wire.int32()
    wire.int32()  # its session timeout
    wire.blob()  # what it subscribed to
    assigned = _assigned(wire.blob()) if is_consumer else {}
    wire.tags()
    return ClassicMember(member_id, client_id, host, assigned)


def _assigned(blob: bytes) -> dict[str, list[int]]:
    """Partitions by topic. Clients write this, in a format of theirs; what is not understood is none."""
    try:
        wire = Wire(blob)
        wire.int16()
        return dict(wire.many(lambda: (wire.text(), wire.many(wire.int32))))
    except MalformedError:
        return {}


def _epoch(group: str, value: bytes | None) -> OffsetsRecord:
    if value is None:
        return GroupEpoch(group, None)
    wire = _of_consumer_protocol(value, "epoch")
    return GroupEpoch(group, wire.int32())


def _member(group: str, member_id: str, value: bytes | None) -> OffsetsRecord:
    if value is None:
        return GroupMember(group, member_id, is_gone=True)
    wire = _of_consumer_protocol(value, "member")
    wire.text_or_none()  # its static id
    wire.text_or_none()  # its rack
    client_id, host = wire.text(), wire.text()
    return GroupMember(group, member_id, client_id, host, tuple(wire.many(wire.text)))


def _versioned(value: bytes, what: str) -> tuple[Wire, int]:
    """A reader of what comes after the version, and the version."""
    wire = Wire(value)
    version = wire.int16()
    if not 0 <= version <= _NEWEST:
        raise MalformedError(f"version {version} of a {what}")
    wire.flexible = version >= _FLEXIBLE
    return wire, version


def _of_consumer_protocol(value: bytes, what: str) -> Wire:
    wire = Wire(value, flexible=True)
    if version := wire.int16():
        raise MalformedError(f"version {version} of a group's {what}")
    return wire
