"""What starts and stops the pipeline and the processes it needs."""
