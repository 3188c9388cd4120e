"""bayar completion: prints the script with which a shell completes commands and options."""

import argparse
import sys
from typing import Final

from argcomplete.shell_integration import shellcode

# The first line is for a script in the shell's fpath. A shell without a configuration has no completion system yet.
_ZSH: Final = "#compdef bayar\n(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])
    parser.set_defaults(run=_print_script)


def _print_script(parsed: argparse.Namespace) -> int:
    beginning = _ZSH if parsed.shell == "zsh" else ""
    sys.stdout.write(beginning + shellcode(["bayar"], shell=parsed.shell))
    return 0
