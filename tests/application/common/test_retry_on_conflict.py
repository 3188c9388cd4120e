"""A record that the database gives up is tried four times in all."""

from __future__ import annotations

import logging

import pytest

from application.common.conflicts import retry_on_conflict
from application.common.errors import StoreConflict, StoreUnavailable


class Contested:
    """Loses the first so many times."""

    def __init__(self, losses: int, error: type[Exception] = StoreConflict) -> None:
        self.losses = losses
        self.error = error
        self.calls: list[tuple[int, str]] = []

    @retry_on_conflict
    def note(self, number: int, *, text: str) -> str:
        """Notes something."""
        self.calls.append((number, text))
        if len(self.calls) <= self.losses:
            raise self.error("deadlock detected")
        return f"{number} {text}"


@pytest.mark.parametrize("losses", [0, 1, 3])
def test_a_failed_operation_is_sent_again_with_the_same_values(losses: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    contested = Contested(losses)
    assert contested.note(1, text="one") == "1 one"
    assert contested.calls == [(1, "one")] * (losses + 1)
    told = [f"attempt {count}: deadlock detected" for count in range(1, losses + 1)]
    assert [record.getMessage() for record in caplog.records] == [
        f"note is retried: the database gave up {one}" for one in told
    ]


def test_a_permanent_conflict_is_tried_four_times() -> None:
    contested = Contested(100)
    with pytest.raises(StoreConflict):
        contested.note(1, text="one")
    assert len(contested.calls) == 4


def test_any_other_failure_is_not_tried_again() -> None:
    contested = Contested(1, StoreUnavailable)
    with pytest.raises(StoreUnavailable):
        contested.note(1, text="one")
    assert len(contested.calls) == 1
