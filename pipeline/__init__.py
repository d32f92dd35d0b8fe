"""The graph that all runners share, its sources and sinks, and the configuration."""
