"""SMPP consts."""
