"""Everything at once: a broker, traffic, the pipeline and what there is to see of it."""
