"""The pure core of the aggregator and the Beam steps around it: no Kafka, no runner, no command line."""
