"""The entry point of the `bayar` command line: one module of bootstrap.cli.commands for each command."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from bootstrap.exit_status import DONE, INTERRUPTED
from bootstrap.logging.nonblocking_output import open_standard_streams
from bootstrap.process.hardening import keep_files_private

# Name, help. The module of the same name has `add_arguments`. It is imported only when its command is given, so that no
# command waits for another's imports.
_COMMANDS: Final = {
    "serve": "run the service in the foreground; Ctrl-C ends it",
    "migrate": "migrate the database's schema",
    "background": "hold the service after a restore until its record is reconciled, and release it",
    "payments": "list, search, show, capture, void, refund, verify, watch and export payments of a running service",
    "customers": "list, show, create, update and delete customers of a running service",
    "methods": "list, show and delete customers' payment methods, and choose the default",
    "checkouts": "list, show and end hosted checkouts and payment links",
    "disputes": "list and show disputes, add evidence, submit it, or accept the claim",
    "unresolved": "list operations whose outcome is unknown",
    "resolve": "ask the gateway for an unknown outcome, or record it by hand",
    "reconcile": "compare the record with the gateway's, and reverse money that no record explains",
    "settlements": "compare the movements of money with the gateway's settlement batches and payouts",
    "blocks": "list the limits of card testing that were reached, and lift a block",
    "webhooks": "list and retry the gateway's webhooks; list endpoints of event webhooks and resend events",
    "encryption": "show the encryption keys in use, and rotate to the current one",
    "search": "show the progress of the search index, and rebuild it",
    "statistics": "show the progress of the statistics, and count every payment again",
    "events": "archive old payment histories",
    "keys": "issue, list and revoke the API keys of callers",
    "operators": "add, change, list and revoke the people who act on behalf of callers",
    "audit": "list and verify the log of administrative calls, API keys and refused access",
    "console": "run the web console for support staff and administrators",
    "accounts": "list the merchant accounts by currency, and what each takes",
    "declines": "list every decline reason and its remedy",
    "demo": "tell a story with a real service and an offline gateway; leaves nothing behind",
    "completion": "print the completion script of bash, zsh or fish",
    "version": "print the version",
}

# The shell sets it when it asks for completions.
_COMPLETION: Final = "_ARGCOMPLETE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 success, 1 failure, 2 wrong usage or configuration."""
    open_standard_streams()
    keep_files_private()
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["--version"]:
        given = ["version"]
    parsed = parser_of(given).parse_args(given)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        status = run(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has closed the pipe. The rest of the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def parser_of(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the arguments of the command that is asked for."""
    parser = argparse.ArgumentParser(
        prog="bayar",
        description="Bayar takes card and wallet payments over gRPC and never loses or doubles one.",
        epilog="docs/operate/command-line.md shows every command. Settings are environment variables that begin with "
        "BAYAR_; docs/operate/configuration.md lists them.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    completing = os.environ.get("COMP_LINE", "").split()[1:] if _COMPLETION in os.environ else None
    words = arguments if completing is None else completing
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, text in _COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
        if name == asked:
            importlib.import_module(f"bootstrap.cli.commands.{name}").add_arguments(command)
    if completing is not None:
        argcomplete = importlib.import_module("argcomplete")
        argcomplete.autocomplete(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
