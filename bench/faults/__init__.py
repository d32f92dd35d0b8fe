"""What it survives: `python -m bench.faults`, see docs/operations.md."""
