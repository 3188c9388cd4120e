"""The act of an operator: --caller and --reason, and the questions for them at the terminal."""

import argparse
import sys
from collections.abc import Callable
from typing import Final, TypedDict

import grpc

from bayar.messages import BayarClient, BayarError
from bayar.payments.v1.access_pb2 import CredentialDescription, Scope
from bootstrap.cli.terminal.connection import WrongUsage

_OLDER: Final = grpc.StatusCode.UNIMPLEMENTED


class Act(TypedDict):
    """The keywords of the client for an act."""

    on_behalf_of: str
    reason: str


def add_act(parser: argparse.ArgumentParser) -> None:
    """--caller and --reason."""
    parser.add_argument(
        "--caller", default="", metavar="NAME", help="for an operator: the caller to act for (default: it asks)"
    )
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="for an operator: why, for the history and the audit log"
    )


def act(parsed: argparse.Namespace, bayar: BayarClient, owner: Callable[[], str] | None = None) -> Act:
    """The act that the arguments state, completed at the terminal if the credential is an operator's.

    owner: gives the caller of the resource, which the question proposes. None: the call needs no caller. Raises
    WrongUsage.
    """
    caller, reason = parsed.caller, parsed.reason
    if (not reason or (owner is not None and not caller)) and _is_operator(bayar):
        if owner is not None and not caller:
            proposed = owner()
            caller = _ask(f"On behalf of which caller? [{proposed}] ", "--caller") or proposed
        reason = reason or required_reason(parsed)
    return Act(on_behalf_of=caller, reason=reason)


def reason_of_act(parsed: argparse.Namespace, bayar: BayarClient) -> str:
    """The reason of an act on the whole service, asked for if the credential is an operator's. Raises WrongUsage."""
    reason: str = parsed.reason
    return reason or (required_reason(parsed) if _is_operator(bayar) else "")


def required_reason(parsed: argparse.Namespace) -> str:
    """The reason, asked for at the terminal if it is missing. Raises WrongUsage."""
    reason: str = parsed.reason or _ask("Why? ", "--reason")
    if not reason:
        raise WrongUsage("give the reason: --reason TEXT")
    return reason


def reaches_every_caller(bayar: BayarClient) -> bool:
    """Whether the credential reads the data of every caller: an administrator's or an operator's."""
    credential = _credential(bayar)
    return credential.HasField("operator") or Scope.SCOPE_ADMIN in credential.scopes


def _is_operator(bayar: BayarClient) -> bool:
    return _credential(bayar).HasField("operator")


def _credential(bayar: BayarClient) -> CredentialDescription:
    """An empty one of a service that is too old to describe it."""
    try:
        return bayar.get_credential()
    except BayarError as error:
        if error.code is _OLDER:
            return CredentialDescription()
        raise


def _ask(question: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise WrongUsage(f"there is no terminal to ask: give {option}, on whose behalf and why you act")
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
