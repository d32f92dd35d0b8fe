"""The kinds of events of a block, and the events that a message becomes in a snapshot."""

from collections.abc import Iterator
from typing import Any

from transforms.block_facts import Commit, Held, Message
from transforms.packs import Event

#: Kinds of events of a block; the second item of each is the offset (of FOLLOWED the group, of PRODUCED
#: the client).
SENT = "S"
ACKED = "A"
CONSUMED = "C"
COMMITTED = "K"
LINKED = "L"
FOLLOWED = "G"
PRODUCED = "P"
#: Of snapshots alone: an open finding, the window that a message was counted in, and what is to be judged when.
FOUND = "V"
COUNTED = "W"
JUDGING = "J"


def commit_event(commit: Commit) -> Event:
    """The event that builds a commit again, with what was written of it."""
    written = [(record, *state) for record, state in commit.written.items()]
    return (
        COMMITTED, commit.offset, commit.id, commit.date, commit.client_id, commit.timestamp, commit.group_id,
        commit.extra, commit.repeated, commit.original, commit.version, written,
    )  # fmt: skip


def message_events(offset: int, message: Message) -> Iterator[Event]:
    """The events that build a message again, with what was written and told of it."""
    for sent in message.sends:
        yield SENT, offset, *sent[:-1]
    for link in message.links:
        yield LINKED, offset, *link
    for ack in message.acks:
        yield ACKED, offset, *_fields(ack), ack.extra, ack.revision, ack.written
    for group, deliveries in message.deliveries.items():
        for one in deliveries:
            yield CONSUMED, offset, *_fields(one), group, one.extra, one.revision, one.written
    for identity, found in (message.found or {}).items():
        yield FOUND, offset, identity, *found
    for window in message.windows:
        yield COUNTED, offset, window


def restore(held: Held, state: list[Any]) -> None:
    """What a snapshot says was written of a trace."""
    if state:
        held.revision, written = state
        held.written = None if written is None else tuple(written)


def _fields(held: Held) -> tuple[Any, ...]:
    return held.id, held.date, held.client_id, held.timestamp, held.correlation_id
