"""What makes it fast and is not the method; nothing else has to understand it."""
