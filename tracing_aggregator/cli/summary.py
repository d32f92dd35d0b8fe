"""What a bounded run did, in one line."""

from collections.abc import Mapping


def summary(counts: Mapping[str, int]) -> str:
    """The counters of a run that has ended, for a person."""
    return (
        f"{counts['received']} traces read, {counts['emitted']} written, {counts['range_commits']} commits of further "
        f"messages, {counts['findings']} findings, {counts['dead_lettered']} dead letters, "
        f"{counts['duplicates']} duplicates"
    )
