"""bayar completion: prints the script with which a shell completes commands and options."""

import argparse
import sys

from argcomplete.shell_integration import shellcode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])
    parser.set_defaults(run=_print_script)


def _print_script(parsed: argparse.Namespace) -> int:
    sys.stdout.write(shellcode(["bayar"], shell=parsed.shell))
    return 0
