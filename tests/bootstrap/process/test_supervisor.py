"""The delay before an ended worker is replaced."""

from __future__ import annotations

from bootstrap.process.supervisor import WorkerSlot


def test_an_early_death_is_replaced_after_a_growing_bounded_pause() -> None:
    slot = WorkerSlot(1)
    pauses = [slot.plan_next(is_early=True) for _ in range(2000)]
    assert pauses[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert set(pauses[7:]) == {30}, "a night of it"
    assert slot.plan_next(is_early=False) == 0
    assert slot.plan_next(is_early=True) == 1
