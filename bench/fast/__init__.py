"""How fast, how late, with how much CPU and memory: `python -m bench`, see docs/performance.md."""
