"""What went wrong with a message, and how it is told."""
