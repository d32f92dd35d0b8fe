"""How cost grows with load, and what a larger load needs: `python -m bench.scale`, see docs/scale.md."""
