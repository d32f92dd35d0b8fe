"""Commands that show what came out and how the job is."""
