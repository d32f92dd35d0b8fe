"""OpenTelemetry: messages as spans."""
