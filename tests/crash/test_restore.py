"""A database that comes back from an earlier moment sends nothing a second time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.hunt import Hunt, hunting
from tests.crash.mutants import RESTORED_SCHEDULE

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def hunt() -> Iterator[Hunt]:
    with hunting() as begun:
        yield begun


def test_a_restored_backup_sends_nothing_twice(hunt: Hunt) -> None:
    board = hunt.restore(None)
    assert board.operations["refund"] > 0
    assert (board.verdict.lines(), board.internal_errors) == ([], []), str(board)


def test_a_scheduled_refund_that_is_sent_again_after_a_restore_is_seen(hunt: Hunt) -> None:
    board = hunt.restore(RESTORED_SCHEDULE)
    assert board.verdict.columns()[RESTORED_SCHEDULE.column], str(board)
