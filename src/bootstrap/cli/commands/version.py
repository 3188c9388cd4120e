"""bayar version: prints the version."""

import argparse
import importlib.metadata
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    sys.stdout.write(f"bayar {importlib.metadata.version('bayar-service')}\n")
    return 0
