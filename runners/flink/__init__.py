"""Runs the pipeline on Flink: in a JVM of ours, or on a cluster."""
