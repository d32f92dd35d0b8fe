"""How views are kept, and what passes between them."""
