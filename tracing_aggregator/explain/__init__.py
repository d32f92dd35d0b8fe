"""What `explain` shows: one message's timeline, from the records of the output topics. Pure, but for the readers."""
