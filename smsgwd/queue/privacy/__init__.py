"""What is kept of people and of what operators did: how long, how it goes, and the proof of both."""
