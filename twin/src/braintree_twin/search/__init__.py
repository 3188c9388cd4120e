"""Searching: criteria as tables, and the two steps that page through what they find."""
