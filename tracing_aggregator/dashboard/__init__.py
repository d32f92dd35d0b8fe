"""The page that people look at: a store of what the output topics said, an API over it, and static pages."""
