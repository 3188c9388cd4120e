"""The connection arguments that every command for people takes, and the client that they configure."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import grpc

from bayar.channels import is_loopback
from bayar.credentials import Credential, from_environment
from bayar.messages import BayarClient, BayarError, RetryPolicy
from bootstrap.cli.terminal.output import say
from bootstrap.exit_status import FAILED, INTERRUPTED, USAGE

_DEFAULT_ADDRESS: Final = "127.0.0.1:50051"
# The path of the key that `make run` and `bayar serve --with-twin` create.
DEVELOPMENT_KEY: Final = Path(".bayar") / "api_key"
# A service that listens on every interface is reachable at this address.
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 (nothing binds here)

Work = Callable[[argparse.Namespace, BayarClient], int]


class WrongUsage(Exception):
    """Wrong usage of a command. The text says why."""


class Stopped(Exception):
    """The command cannot be carried out. The text says why."""


def add_common_arguments(parser: argparse.ArgumentParser, work: Work, *, attempts: int = 3) -> None:
    """Adds the arguments, and runs the work with a client. attempts: the number of tries while nothing answers."""
    common = parser.add_argument_group("for every command")
    common.add_argument("--json", action="store_true", help="JSON instead of tables: lists one document a line")
    common.add_argument(
        "--local", action="store_true", help="times in this machine's time zone, read and written (default: UTC)"
    )
    common.add_argument(
        "--language", default="", metavar="CODE", help="the language of messages to customers, for example id"
    )
    common.add_argument(
        "--address",
        default=_default_address(),
        metavar="HOST:PORT",
        help=f"the service's address (default: BAYAR_GRPC_ADDRESS, else {_DEFAULT_ADDRESS}; now %(default)s)",
    )
    common.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="the certificate authority to trust, PEM (default: public ones)"
    )
    common.add_argument("--insecure", action="store_true", help="permit plain text to another machine")
    parser.set_defaults(run=lambda parsed: _run(parsed, work, attempts))


def _default_address() -> str:
    host, colon, port = os.environ.get("BAYAR_GRPC_ADDRESS", _DEFAULT_ADDRESS).rpartition(":")
    return _EVERYWHERE.get(host, host) + colon + port


def _run(parsed: argparse.Namespace, work: Work, attempts: int) -> int:
    try:
        bayar = _client(parsed, attempts)
        try:
            status = work(parsed, bayar)
        except Exception:
            bayar.close()
            raise
        bayar.close()
        return status
    except BayarError as error:
        say(f"bayar: {_told(error, parsed)}")
    except KeyboardInterrupt:
        # The `with` blocks inside the work have cleaned up. gRPC itself, though, can wait for ever for a call that an
        # interrupt tore away.
        os._exit(INTERRUPTED)
    except BrokenPipeError:
        raise
    except OSError as error:
        say(f"bayar: {error.filename}: {error.strerror}" if error.filename else f"bayar: {error}")
    except Stopped as error:
        say(f"bayar: {error}")
    except WrongUsage as error:
        say(f"bayar: {error}")
        return USAGE
    return FAILED


def _client(parsed: argparse.Namespace, attempts: int) -> BayarClient:
    try:
        return BayarClient(
            parsed.address,
            root_certificates=parsed.ca_file.read_bytes() if parsed.ca_file else None,
            insecure=parsed.insecure,
            credential=credential_for(parsed.address),
            language=parsed.language,
            retry=RetryPolicy(attempts=attempts),
        )
    except ValueError as error:
        raise WrongUsage(str(error)) from None


def credential_for(address: str) -> Credential | None:
    """The environment's credential; else, for a service on this machine, the key of `bayar serve --with-twin`."""
    credential = from_environment()
    if credential is None and is_loopback(address) and DEVELOPMENT_KEY.is_file():
        return DEVELOPMENT_KEY
    return credential


def _told(error: BayarError, parsed: argparse.Namespace) -> str:
    if error.code is grpc.StatusCode.UNAVAILABLE and not error.reason and not error.outcome_unknown:
        return (
            f"no service answers at {parsed.address}.\n"
            "Start one with `bayar serve`, for development with `bayar serve --with-twin`; or give its address: "
            "--address HOST:PORT, or BAYAR_GRPC_ADDRESS.\n"
            f"({error.message})"
        )
    if error.violations:
        wrong = (
            f"  {violation.field.removeprefix('filter.')} {violation.description}" for violation in error.violations
        )
        return "\n".join(["the service cannot do this:", *wrong])
    if error.code is grpc.StatusCode.UNAUTHENTICATED:
        return (
            f"{error}\nSet BAYAR_API_KEY to a key, or BAYAR_TOKEN_FILE to a file that holds a key or a token. "
            "`bayar keys create` issues a key."
        )
    localized = error.localized_message if parsed.language else ""
    return f"{error}\n{localized}".rstrip()
