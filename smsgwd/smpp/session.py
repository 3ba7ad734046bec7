"""SMPP session."""
