"""bayar encryption: counts values by encryption key, and rotates to the current key."""

import argparse
from collections.abc import Callable

from bootstrap.cli.bad_settings import reporting_bad_settings
from bootstrap.cli.terminal.json_option import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="ACTION")
    status = commands.add_parser("status", help="count the values of each encryption key")
    add_json(status)
    status.set_defaults(run=lambda parsed: reporting_bad_settings(_from("encryption_status", parsed)))
    rotate = commands.add_parser(
        "rotate", help="encrypt everything with the current key, while the service runs; resumes after an interruption"
    )
    add_json(rotate)
    rotate.set_defaults(run=lambda parsed: reporting_bad_settings(_from("rotate_encryption", parsed)))


def _from(name: str, parsed: argparse.Namespace) -> Callable[[], int]:
    def start() -> int:
        from bootstrap.process import database_commands

        run: Callable[..., int] = getattr(database_commands, name)
        return run(as_json=parsed.json)

    return start
