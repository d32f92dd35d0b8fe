"""The ways of messages through several topics."""
