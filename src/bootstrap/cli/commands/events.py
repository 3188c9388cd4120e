"""bayar events: archives old payment histories."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from bootstrap.cli.bad_settings import reporting_bad_settings
from bootstrap.cli.terminal.json_option import add_json
from bootstrap.cli.terminal.timestamps import in_zone, parse_timestamp


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="ACTION")
    archive = commands.add_parser(
        "archive",
        help="archive the histories of payments that rest, while the service runs",
        description="Moves the history of each payment that rests and has not changed since TIME into one compressed "
        "and encrypted row. It is shown, streamed and erased as before, and takes a third of the space. Resumes after "
        "an interruption.",
    )
    archive.add_argument(
        "--before", required=True, type=_past, metavar="TIME", help="a date or time in UTC, such as 2025-01-01"
    )
    add_json(archive)
    archive.set_defaults(run=_archive)


def _past(text: str) -> datetime:
    moment = in_zone(parse_timestamp(text), local=False)
    if moment > datetime.now(UTC):
        raise argparse.ArgumentTypeError(f"{text!r} is in the future")
    return moment


def _archive(parsed: argparse.Namespace) -> int:
    def start() -> int:
        from bootstrap.process import database_commands

        return database_commands.archive_events(parsed.before, as_json=parsed.json)

    return reporting_bad_settings(start)
