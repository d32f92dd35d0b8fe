"""Elasticsearch and OpenSearch: what both understand of the same HTTP interface."""
