"""Exponential backoff: the pause before the next try."""

from datetime import timedelta


def doubled(first: timedelta, times: int, longest: timedelta) -> timedelta:
    """The first pause, doubled so many times, at most the longest."""
    enough = (longest // first).bit_length()
    return min(first * (1 << min(times, enough)), longest)
