"""Commands to try it all without a cluster: a broker, traffic, the demo."""
