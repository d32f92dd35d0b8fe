"""What comes in: records parsed, and each trace sent to the views that need it."""
