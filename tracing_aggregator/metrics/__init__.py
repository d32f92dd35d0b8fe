"""Metrics for Prometheus and health for orchestrators: the statistics topic and Flink, seen from outside the job."""
