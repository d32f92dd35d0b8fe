"""What is counted of a minute of produce time."""
