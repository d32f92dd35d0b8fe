"""What brokers know by themselves about topics and groups: positions of records, and commits of every client."""
