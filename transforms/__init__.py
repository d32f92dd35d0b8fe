"""Records, parsing and the join of raw traces: no Kafka, no runner, no command line."""
