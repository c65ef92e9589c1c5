"""Pictures of what was localised, and the moments cut out of their videos.

Drawing needs matplotlib, cutting needs PyAV; each is imported by its own module:
`visualization.timeline` and `visualization.cutting`.
"""
