"""How much memory and state it needs at a fixed rate, and whether that grows: `python -m bench.steady`."""
