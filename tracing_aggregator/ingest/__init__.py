"""Turns what other tools know about messages into raw traces: for now the spans of OpenTelemetry."""
