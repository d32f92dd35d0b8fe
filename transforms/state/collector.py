"""Python's collector of cycles, which would walk the live views again and again: 40 % of all time (docs/adr/0001)."""

import gc

_THRESHOLDS = (100_000, 50, 100)


def calm_collector() -> None:
    """Let it run less often here: views, and all that a bounded run holds, are many objects without cycles."""
    gc.set_threshold(*_THRESHOLDS)
