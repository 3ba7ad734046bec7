"""SMPP pdu."""
