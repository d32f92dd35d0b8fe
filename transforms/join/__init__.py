"""All facts about the messages of a block of offsets, joined and written."""
