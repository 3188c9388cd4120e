"""bayar serve."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

_CONFIGURED_WRONGLY: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with-twin",
        action="store_true",
        help="for development: also run an offline gateway, and keep all state in --state-dir",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".bayar"),
        metavar="DIR",
        help="with --with-twin: where the state is kept (default: .bayar)",
    )
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from bootstrap import serve

    if parsed.with_twin:
        return told_of_bad_settings(lambda: serve.serve_with_twin(parsed.state_dir))
    return told_of_bad_settings(serve.serve)


def told_of_bad_settings(start: Callable[[], int]) -> int:
    """Runs it. What is configured wrongly is said on stderr."""
    from bootstrap.settings import BadSettings

    try:
        return start()
    except BadSettings as error:
        sys.stderr.write(f"bayar cannot start:\n{error}\n")
        return _CONFIGURED_WRONGLY
