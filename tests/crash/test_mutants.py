"""The storm's checker sees every mutant, and finds nothing without one.

Runs the most important ones; `make crash-mutants` runs all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.crash.findings import Findings
from tests.crash.mutant_storms import MutantStorms, mutant_storms_in_temporary_directory, table
from tests.crash.mutants import LATE_SENDER, MUTANTS, Mutant
from tests.crash.storm import Storm

pytestmark = pytest.mark.timeout(180)

_ALL: Final = bool(os.environ.get("CRASH_MUTANTS"))
PLANTED: Final = [mutant for mutant in MUTANTS.values() if mutant.is_quick or _ALL]
PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.fixture(scope="module")
def mutant_storms() -> Iterator[MutantStorms]:
    with mutant_storms_in_temporary_directory() as begun:
        yield begun


def test_the_checker_finds_nothing_without_a_mutant(mutant_storms: MutantStorms) -> None:
    board = mutant_storms.run(None)
    assert board.payments > 0
    assert (board.findings.lines(), board.internal_errors) == ([], []), str(board)


@pytest.mark.parametrize("mutant", PLANTED, ids=lambda mutant: mutant.name)
def test_a_mutant_is_seen(mutant: Mutant, mutant_storms: MutantStorms) -> None:
    board = mutant_storms.run(mutant)
    assert board.findings.columns()[mutant.column], f"{board}\n{board.findings.lines()[:5]}"


def test_a_call_sent_after_others_failed_it_is_seen(two_replicas: Storm) -> None:
    for replica in two_replicas.replicas:
        replica.mutant = LATE_SENDER.name
    board = two_replicas.run_with_aimed_freeze()
    assert board.findings.columns()[LATE_SENDER.column], f"{board}\n{board.findings.lines()[:5]}"


def test_every_column_has_a_mutant() -> None:
    unresolved = {"unresolved"}
    assert {mutant.column for mutant in MUTANTS.values()} == Findings().columns().keys() - unresolved


def test_the_documented_table_names_every_mutant() -> None:
    assert table() in PAGE.read_text(), f"the table of {PAGE.name} is to be:\n{table()}"
