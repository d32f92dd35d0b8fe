"""What a load needs, and which limit breaks first: from what was measured. It knows no Kafka and no Flink."""
