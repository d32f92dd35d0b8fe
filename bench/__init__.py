"""Measures what the pipeline costs: throughput, latency, CPU and memory of each runner. See docs/performance.md."""
