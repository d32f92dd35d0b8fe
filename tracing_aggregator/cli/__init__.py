"""The `tracing-aggregator` command: one module per subcommand."""
