"""Where the CPU goes: flame graphs of each runner under the bench's load, and its share by step."""
