"""The status of the worker pool: how many workers are enough."""

from __future__ import annotations

from adapters.http.worker_pool_status import WorkerPoolStatus


def test_without_a_worker_pool_there_is_nothing_to_wait_for() -> None:
    assert WorkerPoolStatus().has_enough
    assert WorkerPoolStatus().summary == ""


def test_half_of_the_workers_are_enough_and_fewer_are_not() -> None:
    worker_pool = WorkerPoolStatus()
    worker_pool.update(wanted=4, ready=2, replaced=0)
    assert worker_pool.has_enough
    assert worker_pool.summary == "2 of 4 workers"
    worker_pool.update(wanted=4, ready=1, replaced=0)
    assert not worker_pool.has_enough


def test_an_empty_snapshot_is_that_of_an_ended_worker() -> None:
    worker_pool = WorkerPoolStatus()
    worker_pool.update_metrics(2, "b")
    worker_pool.update_metrics(1, "a")
    assert worker_pool.snapshots() == [(1, "a"), (2, "b")]
    worker_pool.update_metrics(2, "")
    assert worker_pool.snapshots() == [(1, "a")]
