"""A Flink cluster of our own, for tests and benches: real processes on loopback, from the distribution on PyPI."""
