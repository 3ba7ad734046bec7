"""Modem commands."""
