"""The rows of an export as CSV or JSON, on standard output or in a file that is complete or absent."""

import contextlib
import csv
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

from google.protobuf.message import Message
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bootstrap.cli.terminal.output import as_json, error_console, json_line

_Row = TypeVar("_Row", bound=Message)
Columns = Mapping[str, Callable[[_Row], str]]


def write_rows(file: TextIO, rows: Iterable[_Row], columns: Columns[_Row], *, json: bool) -> int:
    """Writes a line for each row: one JSON document, or CSV with a line of names first. Returns their number."""
    write: Callable[[_Row], object]
    if json:
        write = lambda row: file.write(json_line(as_json(row)))  # noqa: E731
    else:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        write = lambda row: writer.writerow([value(row) for value in columns.values()])  # noqa: E731
    count = 0
    for row in rows:
        write(row)
        count += 1
    return count


def with_progress(rows: Iterable[_Row], share_of: Callable[[_Row], float], *, shown: bool) -> Iterator[_Row]:
    """The rows; on a terminal with a progress bar by the share of the work that a row ends."""
    if not sys.stderr.isatty() or (sys.stdout.isatty() and not shown):
        yield from rows
        return
    bar = (BarColumn(), TextColumn("{task.fields[rows]} rows"), TimeElapsedColumn())
    with Progress(*bar, console=error_console(), transient=True) as progress:
        task = progress.add_task("export", total=1.0, rows=0)
        for count, row in enumerate(rows, 1):
            if not count % 100:
                progress.update(task, completed=min(share_of(row), 1.0), rows=count)
            yield row


@contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that gets its name only when it is complete: nobody reads a partial file."""
    if path is None:
        yield sys.stdout
        return
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        # A pipe or a device is written in place; it cannot be replaced. A directory raises its own error.
        with target.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    passing = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with passing.open("x", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        passing.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            passing.unlink()
        raise
