"""What becomes of traffic on a Flink cluster when things break: `python -m bench.faults`, see docs/operations.md."""
