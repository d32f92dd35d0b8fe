"""Measures how long the API takes over a full store."""
