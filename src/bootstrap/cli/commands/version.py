"""bayar version: prints the version."""

import argparse
import importlib.metadata
import json
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    version = importlib.metadata.version("bayar-service")
    sys.stdout.write((json.dumps({"version": version}) if parsed.json else f"bayar {version}") + "\n")
    return 0
