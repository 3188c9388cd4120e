"""bayar console: runs the web console, a distribution of its own."""

import argparse
import os

from bootstrap.development import console_process
from bootstrap.exit_status import FAILED
from bootstrap.logging.nonblocking_output import complain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", metavar="HOST:PORT", help="listen here (default: BAYAR_CONSOLE_ADDRESS)")
    parser.add_argument("--service", metavar="HOST:PORT", help="the service (default: BAYAR_CONSOLE_SERVICE)")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Becomes the console: it returns only where there is none."""
    if console_process.is_installed():
        given = {"--address": parsed.address, "--service": parsed.service}
        options = [word for name, value in given.items() if value for word in (name, value)]
        command = [*console_process.command(), *options]
        os.execv(command[0], command)  # noqa: S606 (our own command)
    complain(console_process.INSTALL)
    return FAILED
