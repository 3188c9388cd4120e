"""bayar encryption: counts values by encryption key, and rotates to the current key."""

import argparse
from collections.abc import Callable

from bootstrap.cli.bad_settings import reporting_bad_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="ACTION")
    status = commands.add_parser("status", help="count the values of each encryption key")
    status.set_defaults(run=lambda _: reporting_bad_settings(_from("encryption_status")))
    rotate = commands.add_parser(
        "rotate", help="encrypt everything with the current key, while the service runs; resumes after an interruption"
    )
    rotate.set_defaults(run=lambda _: reporting_bad_settings(_from("rotate_encryption")))


def _from(name: str) -> Callable[[], int]:
    def start() -> int:
        from bootstrap.process import serve

        run: Callable[[], int] = getattr(serve, name)
        return run()

    return start
