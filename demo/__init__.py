"""Traffic of real Kafka clients with real interceptors, for the demo and the integration tests."""
