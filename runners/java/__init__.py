"""Java, the jars that we run, and JVMs as child processes."""
