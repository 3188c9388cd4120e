"""bayar serve: runs the service."""

import argparse
import os
from pathlib import Path

from bootstrap.cli.bad_settings import reporting_bad_settings
from bootstrap.exit_status import USAGE
from bootstrap.logging.nonblocking_output import complain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with-twin",
        action="store_true",
        help="for development: run an offline gateway too, and keep all state in --state-dir",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".bayar"),
        metavar="DIR",
        help="with --with-twin: the folder of the state (default: .bayar)",
    )
    parser.add_argument(
        "--braintree-web",
        type=Path,
        metavar="FOLDER",
        help="with --with-twin: npm's braintree-web, for the checkout page in a browser on this machine",
    )
    parser.add_argument(
        "--console",
        action="store_true",
        help="with --with-twin: run the web console too, at BAYAR_CONSOLE_ADDRESS (default: 127.0.0.1:8090)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="answer calls in N processes on one port; needs PostgreSQL (default: BAYAR_WORKERS, or 1)",
    )
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    if not parsed.with_twin:
        return reporting_bad_settings(lambda: _serve(parsed.workers))
    if (parsed.workers or os.environ.get("BAYAR_WORKERS", "1")) not in (1, "1"):
        complain("--with-twin uses SQLite, which serves one worker only: remove one of the two options")
        return USAGE
    from bootstrap.process import serve

    return reporting_bad_settings(
        lambda: serve.serve_with_twin(parsed.state_dir, parsed.braintree_web, with_console=parsed.console)
    )


def _serve(workers: int | None) -> int:
    from bootstrap.config.settings import load_settings

    settings = load_settings() if workers is None else load_settings(workers=workers)
    if settings.workers > 1:
        from bootstrap.process.supervisor import Supervisor

        return Supervisor(settings).run()
    from bootstrap.process import serve

    return serve.serve(settings)
