"""bayar serve: runs the service."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bootstrap.process.nonblocking_output import STDERR, complain

_CONFIGURED_WRONGLY: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with-twin",
        action="store_true",
        help="for development: run an offline gateway too, and keep all state in --state-dir",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".bayar"),
        metavar="DIR",
        help="with --with-twin: the folder of the state (default: .bayar)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="answer calls in N processes on one port; needs PostgreSQL (default: BAYAR_WORKERS, or 1)",
    )
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    if not parsed.with_twin:
        return told_of_bad_settings(lambda: _serve(parsed.workers))
    if (parsed.workers or os.environ.get("BAYAR_WORKERS", "1")) not in (1, "1"):
        complain("--with-twin uses SQLite, which serves one worker only: remove one of the two options")
        return _CONFIGURED_WRONGLY
    from bootstrap.process import serve

    return told_of_bad_settings(lambda: serve.serve_with_twin(parsed.state_dir))


def _serve(workers: int | None) -> int:
    from bootstrap.config.settings import load_settings

    settings = load_settings() if workers is None else load_settings(workers=workers)
    if settings.workers > 1:
        from bootstrap.process.supervisor import Supervisor

        return Supervisor(settings).run()
    from bootstrap.process import serve

    return serve.serve(settings)


def told_of_bad_settings(start: Callable[[], int]) -> int:
    """Runs `start`, and reports configuration errors on stderr."""
    from bootstrap.config.settings import BadSettings

    try:
        return start()
    except BadSettings as error:
        STDERR.write(f"bayar cannot start:\n{error}")
        return _CONFIGURED_WRONGLY
