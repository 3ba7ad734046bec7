"""Modem link."""
