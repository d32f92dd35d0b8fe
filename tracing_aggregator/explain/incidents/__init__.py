"""Incidents: findings that belong together, as one, in words."""
