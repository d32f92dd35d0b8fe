"""Carries the output topics into other systems: at least once, and the same again wherever it came twice."""
