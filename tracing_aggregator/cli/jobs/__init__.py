"""Commands that run, submit, feed or stop something that moves records, and fetch its Java parts."""
