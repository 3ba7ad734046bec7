"""Modem at."""
