"""Annotation files of every form, and the videos that they describe."""
