"""After a restored backup, nothing is sent a second time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.mutant_storms import MutantStorms, mutant_storms_in_temporary_directory
from tests.crash.mutants import RESTORED_SCHEDULE

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def mutant_storms() -> Iterator[MutantStorms]:
    with mutant_storms_in_temporary_directory() as begun:
        yield begun


def test_a_restored_backup_sends_nothing_twice(mutant_storms: MutantStorms) -> None:
    board = mutant_storms.restore(None)
    assert board.operations["refund"] > 0
    assert (board.findings.lines(), board.internal_errors) == ([], []), str(board)


def test_a_scheduled_refund_that_is_sent_again_after_a_restore_is_seen(mutant_storms: MutantStorms) -> None:
    board = mutant_storms.restore(RESTORED_SCHEDULE)
    assert board.findings.columns()[RESTORED_SCHEDULE.column], str(board)
