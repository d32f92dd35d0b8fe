"""How cost grows with load: `python -m bench.scale`, see docs/scale.md."""
