"""What an operator would look at when a gateway does not work: looked at, judged, and nothing changed. See README.md."""
