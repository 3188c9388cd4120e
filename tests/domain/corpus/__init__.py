"""Texts with card numbers in them, and texts with numbers that are none: the detector is judged by both."""
