"""Packed data sets: the clips of all videos in a few files, for fast training."""
