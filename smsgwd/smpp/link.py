"""SMPP link."""
