"""What is read in one step, without Beam: a command that only asks or stops does not pay for its import."""

from collections.abc import Mapping
from typing import NamedTuple


class KafkaRead(NamedTuple):
    """One read step: its label, its topics, its timestamp policy (KafkaIO's name), its Java consumer properties."""

    label: str
    topics: tuple[str, ...]
    timestamp_policy: str
    consumer: Mapping[str, str]
