"""Arguments that several commands take: numbers, request ids, amounts, and the confirmation of an act."""

import argparse
import sys
import uuid

from bayar.messages import Money, money
from bootstrap.cli.terminal.connection import Stopped, WrongUsage


def positive(text: str) -> int:
    """An argparse type: a positive integer."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def add_limit(parser: argparse.ArgumentParser) -> None:
    """--limit N or --all: at most how many rows a list shows."""
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--limit", type=positive, default=50, metavar="N", help="the maximum (default: 50)")
    many.add_argument("--all", action="store_true", help="no maximum")


def add_request_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--request-id",
        type=_request_id,
        metavar="UUID",
        help="the request id of a call whose answer was lost, to repeat it (default: a new one)",
    )


def add_confirmation(parser: argparse.ArgumentParser) -> None:
    """--yes and --request-id, for a command that changes something."""
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    add_request_id(parser)


def confirm(parsed: argparse.Namespace, question: str) -> None:
    """Asks at the terminal, unless --yes is given. question: one line that says what will happen.

    Raises Stopped unless the answer is yes, and WrongUsage where nobody can answer.
    """
    if parsed.yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(f"there is no terminal to confirm this: give --yes. The question is: {question}")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Stopped("nothing was changed")


def amount_in(text: str | None, currency_code: str, option: str) -> Money | None:
    """The amount of the option in the currency, or None where none is given. Raises WrongUsage."""
    return None if text is None else required_amount_in(text, currency_code, option)


def required_amount_in(text: str, currency_code: str, option: str) -> Money:
    """The amount of the option in the currency. Raises WrongUsage."""
    try:
        return money(text, currency_code)
    except ValueError as error:
        raise WrongUsage(f"{option} {text}: {error}") from None


def _request_id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no UUID") from None
