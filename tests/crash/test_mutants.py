"""The storm's checker sees every bug that is planted in the service, and nothing where none is.

Here the most important ones; `make crash-mutants` plants all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.crash.hunt import Hunt, hunting, table
from tests.crash.mutants import LATE_SENDER, MUTANTS, Mutant
from tests.crash.storm import Storm
from tests.crash.verdict import Verdict

pytestmark = pytest.mark.timeout(180)

_ALL: Final = bool(os.environ.get("CRASH_MUTANTS"))
PLANTED: Final = [mutant for mutant in MUTANTS.values() if mutant.is_quick or _ALL]
PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.fixture(scope="module")
def hunt() -> Iterator[Hunt]:
    with hunting() as begun:
        yield begun


def test_the_checker_finds_nothing_without_a_mutant(hunt: Hunt) -> None:
    board = hunt.run(None)
    assert board.payments > 0
    assert (board.verdict.lines(), board.internal_errors) == ([], []), str(board)


@pytest.mark.parametrize("mutant", PLANTED, ids=lambda mutant: mutant.name)
def test_a_mutant_is_seen(mutant: Mutant, hunt: Hunt) -> None:
    board = hunt.run(mutant)
    assert board.verdict.columns()[mutant.column], f"{board}\n{board.verdict.lines()[:5]}"


def test_a_call_sent_after_others_failed_it_is_seen(two_replicas: Storm) -> None:
    for replica in two_replicas.replicas:
        replica.mutant = LATE_SENDER.name
    # How many of the burst wait as the freeze begins is the machine's to say.
    for attempt in range(3):
        board = two_replicas.take_aim(attempt)
        for replica in two_replicas.replicas:
            replica.kill()
        if board.verdict.columns()[LATE_SENDER.column]:
            break
    assert board.verdict.columns()[LATE_SENDER.column], f"{board}\n{board.verdict.lines()[:5]}"


def test_every_column_has_a_mutant() -> None:
    unresolved = {"unresolved"}
    assert {mutant.column for mutant in MUTANTS.values()} == Verdict().columns().keys() - unresolved


def test_the_documented_table_names_every_mutant() -> None:
    assert table() in PAGE.read_text(), f"the table of {PAGE.name} is to be:\n{table()}"
