"""Everything that a report of a fault needs, in one archive, without secrets."""
