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
        self._findings: Counter[str] = Counter()
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
        """Counts a finding by its reason, and no longer once it is resolved."""
        self._findings[str(finding["reason"])] += -1 if finding.get("resolved") else 1

    def __bool__(self) -> bool:
        return bool(self._traces)

    def __str__(self) -> str:
        counts = "  ".join(f"{kind} {self._traces[kind]}" for kind in KINDS)
        found = {reason: count for reason, count in sorted(self._findings.items()) if count}
        findings = ", ".join(f"{reason} {count}" for reason, count in found.items()) or "none"
        times = (
            f"{kind} p50 {quantile(self._durations[kind], 50)} p95 {quantile(self._durations[kind], 95)} ms"
            for kind in TIMED
        )
        return " | ".join([counts, *times, f"findings: {findings}"])


def quantile(values: Iterable[int], percent: int) -> int | str:
    """The smallest value that `percent` of them do not exceed; `-` where there is none."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else "-"
