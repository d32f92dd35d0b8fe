"""EventView: a view whose facts are still JSON events (interim)."""

from typing import Any

from transforms.packs import decode, encode
from transforms.view import Outputs

EXPIRED = "X"


class EventView:
    decode = staticmethod(decode)

    def on_facts(self, facts: list[Any]) -> Outputs:
        return self.apply(facts)

    def on_time(self, now: int) -> Outputs:
        return self.apply([[EXPIRED, now]])

    def snapshot(self) -> bytes:
        return encode(self.snapshot_events())

    def restore(self, snapshot: bytes) -> None:
        self.apply(decode(snapshot))

    def size(self) -> int:
        return self.facts()
