"""bayar migrate: migrates the database's schema."""

import argparse

from bootstrap.cli.bad_settings import reporting_bad_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    from bootstrap.process import serve

    return reporting_bad_settings(serve.migrate)
