"""A list as a table or as JSON lines: the first rows at once, at most as many as asked for."""

import argparse
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from google.protobuf.message import Message
from rich.text import Text

from bootstrap.cli.terminal.output import console, counted, say, write_json_lines
from bootstrap.cli.terminal.tables import Column, print_long_table

_LARGEST_PAGE: Final = 500

_Item = TypeVar("_Item", bound=Message)


def print_list(
    parsed: argparse.Namespace,
    read: Callable[[int], Iterator[_Item]],
    columns: Sequence[Column],
    row: Callable[[_Item], Sequence[Text | str]],
    *,
    noun: str,
    order: str = "newest",
    narrow: str = "or say which (--help)",
) -> int:
    """Prints what read(page_size) yields, as --limit, --all and --json say (terminal.arguments.add_limit).

    noun: singular, for the remark that nothing matches. order: which ones come first. narrow: how to ask for fewer.
    Returns the exit status.
    """
    # One more than is shown reveals whether there are more.
    wanted = None if parsed.all else parsed.limit + 1
    found = itertools.islice(read(min(wanted or _LARGEST_PAGE, _LARGEST_PAGE)), wanted)
    shown = counted(itertools.islice(found, wanted and wanted - 1), f"{noun}s")
    count = write_json_lines(shown) if parsed.json else print_long_table(console(), columns, map(row, shown))
    if not count:
        say(f"No {noun} matches.")
    elif next(found, None) is not None:
        say(f"These are the {order} {count}, and there are more: --limit N, --all, {narrow}.")
    return 0
