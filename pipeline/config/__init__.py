"""Settings and Kafka client properties: where they are given, what they may be, and how secrets are looked up."""
