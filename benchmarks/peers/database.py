"""A PostgreSQL with durable commits, until it is told to stop: python -m benchmarks.peers.database DIRECTORY."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from benchmarks.processes import postgresql


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with postgresql(Path(sys.argv[1])) as url:
        print(f"ready {url}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
