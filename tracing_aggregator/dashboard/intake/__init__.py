"""What is taken from Kafka into the store."""
