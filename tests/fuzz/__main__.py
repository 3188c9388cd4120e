"""Lets Atheris look for bytes that the service answers with a fault of its own: python -m tests.fuzz SECONDS."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["adapters", "application", "domain"]):
    from tests.fuzz.target import Target


def main(seconds: int) -> None:
    logging.disable(logging.CRITICAL)
    target = Target()
    with tempfile.TemporaryDirectory() as folder:
        for n, seed in enumerate(target.seeds()):
            (Path(folder) / str(n)).write_bytes(seed)
        options = ["bayar", f"-max_total_time={seconds}", "-max_len=4096", "-rss_limit_mb=1024", "-timeout=20", folder]
        atheris.Setup(options, target)
        atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]))
