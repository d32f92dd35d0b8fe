"""Bytes that a broker of release 4.4 has written, and of older versions what their schemas say."""

import json
import struct
from base64 import b64decode
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.observe.consumer_offsets import (
    ClassicGroup,
    ClassicMember,
    GroupEpoch,
    GroupMember,
    NotAskedFor,
    OffsetCommitted,
    OffsetsRecord,
    Unknown,
    parse,
)

WRITTEN = Path(__file__).parents[2] / "data" / "consumer_offsets.jsonl"
COMMIT, GROUP, EPOCH, MEMBER = 1, 2, 3, 5


def written() -> list[tuple[bytes | None, bytes | None]]:
    rows = map(json.loads, WRITTEN.read_text().splitlines())
    return [tuple(None if row[name] is None else b64decode(row[name]) for name in ("key", "value")) for row in rows]


def records() -> list[OffsetsRecord]:
    return [parse(*record) for record in written()]


def text(value: str | None) -> bytes:
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def blob(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value


def commit_key(version: int = COMMIT) -> bytes:
    return struct.pack(">h", version) + text("billing") + text("orders") + struct.pack(">i", 3)


def commit_value(version: int) -> bytes:
    value = struct.pack(">hq", version, 42)
    value += struct.pack(">i", 7) if version >= 3 else b""
    value += text("") + struct.pack(">q", 1_000)
    return value + (struct.pack(">q", 2_000) if version == 1 else b"")


def group_value(version: int) -> bytes:
    assignment = struct.pack(">hi", 1, 1) + text("orders") + struct.pack(">iii", 2, 0, 3) + blob(b"")
    member = text("billing-1-uuid") + (text(None) if version >= 3 else b"") + text("billing-1") + text("/10.0.0.1")
    member += struct.pack(">i", 60_000) if version >= 1 else b""
    member += struct.pack(">i", 45_000) + blob(b"subscription") + blob(assignment)
    value = (
        struct.pack(">h", version) + text("consumer") + struct.pack(">i", 5) + text("range") + text("billing-1-uuid")
    )
    value += struct.pack(">q", 1_000) if version >= 2 else b""
    return value + struct.pack(">i", 1) + member


def test_a_broker_writes_nothing_that_is_not_understood():
    kinds = Counter(type(record) for record in records())
    assert kinds == {OffsetCommitted: 8, ClassicGroup: 4, GroupMember: 2, GroupEpoch: 2, NotAskedFor: 6}


@pytest.mark.parametrize("group", ["g-classic", "g-consumer"])
def test_commits_are_read_in_both_protocols_with_date_and_topic_id(group):
    commits = [each for each in records() if isinstance(each, OffsetCommitted) and each.group == group]
    offsets = [(each.topic, each.partition, each.offset) for each in commits if each.offset is not None]
    assert offsets == [("orders", 0, 50), ("orders", 1, 50), ("orders", 0, 10)]
    assert {len(each.topic_id) for each in commits if each.offset is not None} == {16}
    assert all(each.committed_ms > 1_790_000_000_000 for each in commits if each.offset is not None)


def test_a_classic_group_tells_its_members_and_their_partitions_until_it_is_deleted():
    groups = [each for each in records() if isinstance(each, ClassicGroup)]
    assert [(each.generation, len(each.members), each.is_gone) for each in groups] == [
        (0, 0, False), (1, 1, False), (2, 0, False), (0, 0, True),
    ]  # fmt: skip
    [member] = groups[1].members
    assert (member.client_id, member.host, member.assigned) == ("me", "/127.0.0.1", {"orders": [0, 1]})


def test_a_group_of_the_consumer_protocol_tells_epochs_and_who_joined_and_left():
    joined, left = [each for each in records() if isinstance(each, GroupMember)]
    assert (joined.group, joined.client_id, joined.topics, joined.is_gone) == ("g-consumer", "me", ("orders",), False)
    assert left == GroupMember("g-consumer", joined.member_id, is_gone=True)
    assert [each.epoch for each in records() if isinstance(each, GroupEpoch)] == [2, 3]


@pytest.mark.parametrize("key_version", [0, 1])
@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_commits_of_older_brokers_are_read(key_version, version):
    expected = OffsetCommitted("billing", "orders", 3, 42, 1_000)
    assert expected == parse(commit_key(key_version), commit_value(version))


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_groups_of_older_brokers_are_read(version):
    member = ClassicMember("billing-1-uuid", "billing-1", "/10.0.0.1", {"orders": [0, 3]})
    key = struct.pack(">h", GROUP) + text("billing")
    assert parse(key, group_value(version)) == ClassicGroup("billing", 5, [member], "consumer")


@pytest.mark.parametrize(
    ("key", "gone"),
    [
        (commit_key(), OffsetCommitted("billing", "orders", 3, None)),
        (struct.pack(">h", GROUP) + text("billing"), ClassicGroup("billing", 0, [], is_gone=True)),
        (struct.pack(">h", EPOCH) + text("billing"), GroupEpoch("billing", None)),
        (struct.pack(">h", MEMBER) + text("billing") + text("m"), GroupMember("billing", "m", is_gone=True)),
    ],
)
def test_a_tombstone_says_that_what_it_names_is_gone(key, gone):
    assert parse(key, None) == gone


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, None),
        (b"", b""),
        (struct.pack(">h", 99) + text("billing"), b"anything"),
        (commit_key(), struct.pack(">hq", 5, 42)),
        (commit_key(), commit_value(3)[:-1]),
        (commit_key()[:-1], commit_value(3)),
        (commit_key(), struct.pack(">hqi", 3, -1, 0) + text("") + struct.pack(">q", 0)),
    ],
)
def test_what_is_not_understood_is_unknown(key, value):
    assert isinstance(parse(key, value), Unknown)


def test_of_a_protocol_that_is_not_for_consumers_no_partitions_are_read():
    value = (
        struct.pack(">h", 0) + text("connect") + struct.pack(">i", 1) + text(None) + text(None) + struct.pack(">i", 1)
    )
    value += text("w") + text("worker") + text("/host") + struct.pack(">i", 1) + blob(b"") + blob(b"\x00\x01junk")
    group = parse(struct.pack(">h", GROUP) + text("connect-a"), value)
    assert isinstance(group, ClassicGroup)
    assert [member.assigned for member in group.members] == [{}]


@given(st.none() | st.binary(max_size=60), st.none() | st.binary(max_size=200))
def test_no_bytes_raise(key, value):
    assert isinstance(parse(key, value), OffsetsRecord)


@given(st.sampled_from([record for record in written() if record[1]]), st.data())
def test_genuine_records_with_a_changed_or_missing_byte_do_not_raise(record, data):
    key, value = (bytearray(part) for part in record)
    part = data.draw(st.sampled_from([key, value]))
    place = data.draw(st.integers(0, len(part) - 1))
    part[place : place + 1] = data.draw(st.binary(max_size=2))
    assert isinstance(parse(bytes(key), bytes(value)), OffsetsRecord)
