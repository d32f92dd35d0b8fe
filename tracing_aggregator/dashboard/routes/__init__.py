"""The answers of `/api/v1`."""
