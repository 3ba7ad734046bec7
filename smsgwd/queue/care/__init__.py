"""Store care: is the database whole, a copy of it, and a copy in its place."""
