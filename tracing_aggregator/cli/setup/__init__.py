"""Commands for the time before a run: topics, settings, sizes, and a check of them all."""
