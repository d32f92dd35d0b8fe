"""What the demo has seen so far, in one line."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

KINDS = ("SEND", "ACK", "CONSUME", "COMMIT")
TIMED = ("ACK", "CONSUME")
# Quantiles are of the newest durations: they follow what happens now, in bounded memory.
NEWEST = 1_000


class Totals:
    """Counts of traces and findings, and the durations of the newest ones."""

    def __init__(self) -> None:
        self._traces: Counter[str] = Counter()
        #: By id the reason, and for how many findings the record stands.
        self._findings: dict[str, tuple[str, int]] = {}
        self._durations: dict[str, deque[int]] = {kind: deque(maxlen=NEWEST) for kind in TIMED}

    def add_trace(self, trace: Mapping[str, Any]) -> None:
        """Counts an aggregated trace; a revision of an earlier one is not counted again."""
        if "revision" in trace:
            return
        kind = str(trace["type"])
        self._traces[kind] += 1
        if kind in TIMED and "durationMs" in trace:
            self._durations[kind].append(int(trace["durationMs"]))

    def add_finding(self, finding: Mapping[str, Any]) -> None:
        """Counts the findings of a record by its reason, instead of what the record said before."""
        if finding.get("resolved"):
            self._findings.pop(finding["id"], None)
        else:
            count = int(finding["count"]) if finding.get("summary") else 1
            self._findings[finding["id"]] = str(finding["reason"]), count

    def __bool__(self) -> bool:
        return bool(self._traces)

    def __str__(self) -> str:
        counts = "  ".join(f"{kind} {self._traces[kind]}" for kind in KINDS)
        found: Counter[str] = Counter()
        for reason, count in self._findings.values():
            found[reason] += count
        findings = ", ".join(f"{reason} {count}" for reason, count in sorted(found.items())) or "none"
        times = (
            f"{kind} p50 {quantile(self._durations[kind], 50)} p95 {quantile(self._durations[kind], 95)} ms"
            for kind in TIMED
        )
        return " | ".join([counts, *times, f"findings: {findings}"])


def quantile(values: Iterable[int], percent: int) -> int | str:
    """The smallest value that `percent` of them do not exceed; `-` where there is none."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else "-"
