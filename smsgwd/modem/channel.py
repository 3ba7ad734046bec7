"""Modem channel."""
