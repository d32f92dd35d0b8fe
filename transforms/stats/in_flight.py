"""In flight: what a group is still in time to read. The dashboard, the demo and Prometheus count it by this rule."""


def in_flight(expected: int, actual: int, under: int) -> int:
    """Messages that are expected, and neither read nor overdue. Never negative: both others are part of `expected`."""
    return expected - actual - under
