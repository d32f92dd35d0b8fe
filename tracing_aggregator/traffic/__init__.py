"""Traffic of Python clients that are traced, with faults on purpose, and the truth about it."""
