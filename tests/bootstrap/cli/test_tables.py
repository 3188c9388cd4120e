"""Long tables: what gives way where there is too little room, and that nothing else does."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bootstrap.cli.terminal.tables import Column, print_long_table

COLUMNS = [Column("id"), Column("name", shrinks=4), Column("amount", "right"), Column("note", rank=1)]
ROWS = [["1", "Sari Dewi", "USD 5.00", "new"], ["22", "Budi", "IDR 150000.00", ""]]


def printed(width: int, rows: list[list[str]] = ROWS, *, terminal: bool = True) -> list[str]:
    out = io.StringIO()
    print_long_table(Console(file=out, width=width, force_terminal=terminal, color_system=None), COLUMNS, rows)
    return out.getvalue().splitlines()


def test_with_room_everything_is_there() -> None:
    assert printed(60) == [
        "id  name              amount  note",
        "──  ─────────  ─────────────  ────",
        "1   Sari Dewi       USD 5.00  new",
        "22  Budi       IDR 150000.00  ",
    ]


def test_shrinkable_columns_are_cut_first() -> None:
    assert printed(29)[2] == "1   Sar…       USD 5.00  new"


def test_then_a_column_of_the_highest_rank_is_left_out() -> None:
    assert printed(28)[0] == "id  name              amount"
    assert printed(23)[2] == "1   Sar…       USD 5.00"


def test_no_column_of_rank_nought_is_ever_left_out() -> None:
    assert printed(5)[0] == "id  name         amount"


def test_a_column_with_nothing_in_it_is_left_out() -> None:
    assert printed(60, [["1", "Sari", "USD 5.00", ""]])[0] == "id  name    amount"


def test_wide_signs_keep_the_columns_in_line() -> None:
    lines = printed(60, [["1", "日本太郎", "USD 5.00", ""], ["2", "Sari", "USD 5.00", ""]])
    assert lines[2:] == ["1   日本太郎  USD 5.00", "2   Sari      USD 5.00"]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_later_row_that_is_too_long_is_cut_only_at_a_terminal(terminal: bool) -> None:
    rows = [["1", "Sari", "USD 5.00", ""]] * 500 + [["2", "Somebody Else", "USD 5.00", ""]]
    name = "Som…" if terminal else "Somebody Else"
    assert printed(60, rows, terminal=terminal)[-1].split("  ")[1].strip() == name
