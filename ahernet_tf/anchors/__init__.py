"""The grid of anchors, segments in time, and what each anchor is to learn."""
