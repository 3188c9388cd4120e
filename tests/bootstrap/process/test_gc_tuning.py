"""Permanent objects are frozen out of garbage collection."""

import subprocess
import sys


def test_objects_from_the_start_are_frozen_out_of_collections() -> None:
    # In a process of its own: what is frozen stays so.
    code = (
        "import gc, bootstrap.wiring.container, bootstrap.process.gc_tuning\n"
        "before = len(gc.get_objects())\n"
        "bootstrap.process.gc_tuning.freeze()\n"
        "assert gc.get_freeze_count() > 100_000, gc.get_freeze_count()\n"
        "assert len(gc.get_objects()) < before / 100\n"
        "ring = []; ring.append(ring); identity = id(ring); del ring\n"
        "assert gc.collect() >= 1, 'what comes later is still collected'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
