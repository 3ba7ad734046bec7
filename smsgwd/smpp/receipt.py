"""SMPP receipt."""
