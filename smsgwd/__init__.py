"""smsgwd: an on-premises SMS gateway and customer-support desk over GSM modems and SMPP."""

__version__ = "0.1.0"
