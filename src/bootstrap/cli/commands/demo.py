"""bayar demo: runs the demonstration."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    from bootstrap.development import demo

    return demo.tell()
