"""The output of commands: a console that detects terminals, JSON for programs, and messages on stderr."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn, TextIO, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

# Without a terminal, nothing is cut or wrapped: another program reads it.
_WIDE: Final = 100_000

_Item = TypeVar("_Item")


class _PipeConsole(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Raises as everywhere else, rather than exiting as rich does."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output: colours and width of the terminal if there is one, else plain and wide."""
    return _console(sys.stdout)


def error_console() -> Console:
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDE
    return _PipeConsole(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def say(sentence: str) -> None:
    """Writes a remark on stderr, beside the output."""
    sys.stderr.write(sentence + "\n")


def as_json(message: Message) -> dict[str, object]:
    """The message with the contract's field names, all fields, and 64-bit numbers as text (protobuf's JSON)."""
    fields: dict[str, object] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return fields


def json_line(document: object) -> str:
    """One document on a line of its own. ASCII, so that every encoding passes it."""
    return json.dumps(document) + "\n"


def write_json(document: object) -> None:
    sys.stdout.write(json_line(document))


def write_json_lines(messages: Iterable[Message]) -> int:
    """Returns the number of lines."""
    count = 0
    for message in messages:
        write_json(as_json(message))
        count += 1
    return count


def counted(items: Iterable[_Item], what: str) -> Iterator[_Item]:
    """The items, counted on stderr as they arrive: only on a terminal that does not show the items themselves."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield from items
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed} " + what), TimeElapsedColumn())
    with Progress(*columns, console=error_console(), transient=True) as progress:
        task = progress.add_task(what, total=None)
        for item in items:
            progress.advance(task)
            yield item
