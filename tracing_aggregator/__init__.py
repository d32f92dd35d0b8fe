"""What is built around the pipeline: the command line, the dashboard, metrics, sinks and the demo."""
