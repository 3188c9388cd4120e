"""The option --json of the commands that use the service's own database."""

import argparse


def add_json(parser: argparse.ArgumentParser, text: str = "a JSON document instead of sentences") -> None:
    parser.add_argument("--json", action="store_true", help=text)
