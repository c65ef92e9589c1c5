"""Recomputes every number of a recording of the 2020 release and compares."""
