"""bayar migrate: migrates the database's schema."""

import argparse

from bootstrap.cli.commands.serve import told_of_bad_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    from bootstrap.process import serve

    return told_of_bad_settings(serve.migrate)
