"""Streaming tables: they fit the terminal, and show the first rows before the rest arrive."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from rich.table import Table
from rich.text import Text

# The number of rows that determine the column widths.
_LOOK_AHEAD: Final = 500
_GAP: Final = "  "
_HEADING: Final = Style.parse("bold")
_RULE: Final = Style.parse("bright_black")
_ELLIPSIS: Final = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a long table.

    rank: where the terminal is too narrow, columns of the highest rank are left out first; rank 0 always stays.
    shrinks: may be cut to this width instead, before anything is left out; 0: never.
    """

    heading: str
    align: Literal["left", "right"] = "left"
    rank: int = 0
    shrinks: int = 0


def print_long_table(console: Console, columns: Sequence[Column], rows: Iterable[Sequence[Text | str]]) -> int:
    """Prints the rows as they arrive, and returns their number."""
    count, widths = 0, []
    coming = iter(rows)
    while block := [_texts(row) for row in itertools.islice(coming, _LOOK_AHEAD)]:
        if not count:
            widths = _fit(columns, block, console.width)
            heading = [Text(column.heading) for column in columns]
            console.print(Segments(_line(columns, widths, heading, _HEADING)), end="", crop=False)
            rule = [Text("─" * max(width, 0)) for width in widths]
            console.print(Segments(_line(columns, widths, rule, _RULE)), end="", crop=False)
        cut = console.is_terminal
        segments = [segment for row in block for segment in _line(columns, widths, row, None, cut=cut)]
        console.print(Segments(segments), end="", crop=False)
        count += len(block)
    return count


def small_table(*headings: str, right: Sequence[str] = (), wrapped: Sequence[str] = ()) -> Table:
    """A table of a few rows. On a narrow terminal, the texts of the wrapped columns take several lines."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
        border_style="bright_black",
    )
    for heading in headings:
        table.add_column(
            heading, justify="right" if heading in right else "left", overflow="fold", no_wrap=heading not in wrapped
        )
    return table


def facts(rows: Iterable[tuple[str, Text | str]]) -> Table:
    """Names and values, one a line; empty values are left out."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        if value:
            table.add_row(name, value)
    return table


def _texts(row: Sequence[Text | str]) -> list[Text]:
    return [cell if isinstance(cell, Text) else Text(cell) for cell in row]


def _fit(columns: Sequence[Column], block: Sequence[Sequence[Text]], room: int) -> list[int]:
    """The width of each column; -1 for a column that is left out because it is empty or has no room."""
    widths = []
    for number, column in enumerate(columns):
        widest = max(cell_len(row[number].plain) for row in block)
        widths.append(max(widest, cell_len(column.heading)) if widest or not column.rank else -1)
    for rank in range(max(column.rank for column in columns), -1, -1):
        excess = _total(widths) - room
        if excess <= 0:
            break
        least = [
            min(width, column.shrinks) if column.shrinks else width
            for width, column in zip(widths, columns, strict=True)
        ]
        if _total(least) <= room:
            for number, width in enumerate(widths):
                cut = min(excess, width - least[number])
                widths[number], excess = width - cut, excess - cut
            break
        if rank:
            widths = [-1 if column.rank == rank else width for width, column in zip(widths, columns, strict=True)]
        else:
            widths = least
    return widths


def _total(widths: Sequence[int]) -> int:
    shown = [width for width in widths if width >= 0]
    return sum(shown) + len(_GAP) * (len(shown) - 1)


def _line(
    columns: Sequence[Column], widths: Sequence[int], cells: Sequence[Text], style: Style | None, *, cut: bool = True
) -> Iterator[Segment]:
    shown = [place for place in zip(columns, widths, cells, strict=True) if place[1] >= 0]
    for number, (column, width, cell) in enumerate(shown):
        text, last = cell.plain, number == len(shown) - 1
        room = width - cell_len(text)
        if room < 0 and cut:
            text, room = set_cell_size(text, width - 1) + _ELLIPSIS, 0
        if number:
            yield Segment(_GAP)
        if column.align == "right" and room > 0:
            yield Segment(" " * room)
        own = Style.parse(str(cell.style)) if cell.style else style
        yield Segment(text, own)
        if column.align == "left" and room > 0 and not last:
            yield Segment(" " * room)
    yield Segment("\n")
