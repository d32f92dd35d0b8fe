"""A Flink cluster at a fixed rate for minutes or hours: `python -m bench.steady`, see docs/operations.md."""
