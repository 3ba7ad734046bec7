"""react."""
