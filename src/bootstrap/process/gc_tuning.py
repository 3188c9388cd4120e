"""Garbage collector tuning: freezes permanent objects, so that no collection scans them again."""

import gc
from typing import Final

# How many objects more than before until it looks at the young ones, and how often then at older ones.
_THRESHOLDS: Final = (20_000, 20, 50)


def settle() -> None:
    """To be called once all is in place. Half a million objects of modules and tables stay out of every collection
    from then on: looking at them stopped all calls for 60 milliseconds each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
