"""What runners ask of Kafka and prepare there: topics, offsets, permissions; and a broker for trials."""
