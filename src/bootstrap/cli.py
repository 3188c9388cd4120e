"""The command line: bayar serve, migrate, demo, version."""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bootstrap.settings import BadSettings

_USAGE_ERROR: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 it failed, 2 it was asked or configured wrongly."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except BadSettings as error:
        print(f"bayar cannot start:\n{error}", file=sys.stderr)  # noqa: T201
        return _USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bayar",
        description="Bayar takes card and wallet payments over gRPC and never loses or doubles one.",
        epilog="Settings are environment variables that begin with BAYAR_; docs/configuration.md lists them.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the service in the foreground; Ctrl-C ends it")
    serve.add_argument(
        "--with-twin",
        action="store_true",
        help="for development: also run an offline gateway, and keep all state in --state-dir",
    )
    serve.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".bayar"),
        metavar="DIR",
        help="with --with-twin: where the state is kept (default: .bayar)",
    )
    serve.set_defaults(run=_serve)
    migrate = commands.add_parser("migrate", help="bring the database's schema up to date")
    migrate.set_defaults(run=_migrate)
    demo = commands.add_parser("demo", help="tell a story with a real service and an offline gateway, leaving nothing")
    demo.set_defaults(run=_demo)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _serve(parsed: argparse.Namespace) -> int:
    from bootstrap import serve

    return serve.serve_with_twin(parsed.state_dir) if parsed.with_twin else serve.serve()


def _migrate(_: argparse.Namespace) -> int:
    from bootstrap import serve

    return serve.migrate()


def _demo(_: argparse.Namespace) -> int:
    from bootstrap import demo

    return demo.tell()


def _version(_: argparse.Namespace) -> int:
    print(f"bayar {importlib.metadata.version('bayar-service')}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
