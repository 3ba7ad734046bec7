"""SMPP sim."""
