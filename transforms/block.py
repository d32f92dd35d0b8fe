"""Block: all facts about consecutive offsets of one partition."""

from collections.abc import Iterator

from transforms.addresses import parts_of
from transforms.block_facts import Commit, Follow, Held, Message, Sent
from transforms.records import HEADER_READER
from transforms.settlement import Settlement


class Block:
    """See the head of this file. `key` is a block key; `facts` counts what is held."""

    def __init__(self, key: bytes, *, exact: bool) -> None:
        topic, partition, self.number = parts_of(key)
        self.name = key.decode()
        self.topic = topic
        self.partition = int(partition)
        self.facts = 0
        self.messages: dict[int, Message] = {}
        self.ids: dict[str, Held | Commit] = {}
        self.commits_at: dict[int, list[Commit]] = {}
        self.settlements: dict[str, Settlement] = {}
        self.follows: dict[str, Follow] = {}
        #: The clients that are answered without offsets in this partition, and whether with offsets too.
        self.bare: dict[str, bool] = {}
        self.exact = exact

    def settlement(self, group: str) -> Settlement:
        """The commits and deliveries of a group, none yet if it is new."""
        settlement = self.settlements.get(group)
        if settlement is None:
            settlement = self.settlements[group] = Settlement(exact=self.exact)
        return settlement

    def commits(self) -> Iterator[Commit]:
        """All commits of all groups."""
        for settlement in self.settlements.values():
            yield from settlement.commits

    def groups(self) -> set[str]:
        """The groups that read, commit or pass here."""
        return (self.settlements.keys() | self.follows.keys()) - {HEADER_READER}

    def commits_seen(self, group: str) -> bool:
        """Whether this group was seen committing in this partition."""
        follow = self.follows.get(group)
        if follow is not None and follow.commits is not None:
            return True
        settlement = self.settlements.get(group)
        return settlement is not None and bool(settlement.commits)

    def is_unacked(self, sent: Sent, message: Message) -> bool:
        """Whether the producer of this SEND should have been told that it lies here, and was told nothing."""
        return not (message.acks or sent.answered or self.bare.get(sent.client_id) is False)

    def expects(self, group: str, offset: int, produced: int) -> bool:
        """Whether the group should read the message at this offset, produced at this time (ms)."""
        follow = self.follows.get(group)
        return follow is not None and offset >= follow.start and produced <= follow.until
