"""Modem sim."""
