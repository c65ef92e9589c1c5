"""Records: sequences ready for training in a few large files."""
