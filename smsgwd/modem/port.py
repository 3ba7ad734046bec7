"""Modem port."""
