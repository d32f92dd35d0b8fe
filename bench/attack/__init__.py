"""Our own servers under attack, on loopback, for a minute or two: what it costs them, and who is still answered."""
