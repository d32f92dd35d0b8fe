"""The records about observed partitions and groups on the statistics topic: their keys and fields."""

from typing import Any

from msgspec import Struct

from transforms.input.dates import date_of
from transforms.input.json_bytes import dump
from transforms.input.records import KeyValue
from transforms.observe.observed_group import GroupMinute, ObservedGroup

PARTITION, GROUP = "observed", "observedGroup"


class PartitionMinute(Struct, array_like=True, gc=False):
    """The records of a partition whose time is in a minute.

    `late` are those of earlier minutes, which were closed; of `append_times` the broker gave the time.
    """

    messages: int = 0
    size: int = 0
    correlated: int = 0
    append_times: int = 0
    late: int = 0


class ObservedRecords:
    """Makes the records of one partition."""

    def __init__(self, topic: str, partition: int, cluster: str = "") -> None:
        self._place = {"topic": topic, "partition": partition}
        self._cluster = {"cluster": cluster} if cluster else {}

    def of_partition(self, start: int, minute: PartitionMinute, end: int, *, is_final: bool) -> KeyValue:
        """The record of a minute of the partition, whose log ends at this offset."""
        key = {**self._place, "windowStart": date_of(start)}
        facts = {
            "messages": minute.messages,
            "bytes": minute.size,
            "withCorrelationId": minute.correlated,
            "timestampType": _timestamp_type(minute),
            "late": minute.late,
            "endOffset": end,
        }
        return self._record(PARTITION, key, facts, is_final=is_final)

    def of_group(self, group_id: str, start: int, group: ObservedGroup, *, is_final: bool) -> KeyValue:
        """The record of a minute of a group."""
        key = {**self._place, "groupId": group_id, "windowStart": date_of(start)}
        return self._record(GROUP, key, _facts_of(group.minutes[start], group), is_final=is_final)

    def _record(self, kind: str, key: dict[str, Any], facts: dict[str, Any], *, is_final: bool) -> KeyValue:
        known = {name: fact for name, fact in facts.items() if fact is not None}
        mark = {"final": True} if is_final else {}
        return dump(key), dump({"kind": kind, **key, **self._cluster, **known, **mark})


def _timestamp_type(minute: PartitionMinute) -> str:
    if not minute.append_times:
        return "CreateTime"
    return "LogAppendTime" if minute.append_times == minute.messages else "both"


def _facts_of(minute: GroupMinute, group: ObservedGroup) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "commitCount": minute.commits,
        "rewinds": minute.rewinds,
        "committed": minute.settled,
        "produceToCommitMs": minute.latencies.summary(),
    }
    if (sample := minute.sample) is not None:
        facts |= {
            "measuredAt": date_of(sample.at),
            "lag": sample.lag,
            "offsetLag": sample.offset_lag,
            "lagMs": sample.lag_ms,
            "atLeast": sample.is_bound or None,
            "sinceCommitMs": sample.since_commit_ms,
            "members": group.members,
            "generation": group.generation if group.members is not None else None,
        }
    return facts
