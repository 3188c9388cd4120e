"""The metrics of several workers are merged into one text in Prometheus's format."""

from __future__ import annotations

from itertools import pairwise

from adapters.http.metrics import Metrics
from adapters.http.worker_pool_status import WorkerPoolStatus

OWN = Metrics().text({"dead": 2})


def counted(kind: str) -> str:
    metrics = Metrics()
    metrics.count_processed(kind, "done")
    return metrics.text({})


def test_without_a_crew_nothing_is_added() -> None:
    assert WorkerPoolStatus().merge_metrics(OWN) == OWN
    assert WorkerPoolStatus().has_enough
    assert WorkerPoolStatus().summary == ""


def test_each_worker_s_numbers_carry_its_number_and_stand_together() -> None:
    worker_pool = WorkerPoolStatus()
    worker_pool.update(wanted=2, ready=1, replaced=5)
    worker_pool.update_metrics(2, counted('odd "} kind'))
    worker_pool.update_metrics(1, "# HELP up A gauge without labels.\n# TYPE up gauge\nup 1\n")
    lines = worker_pool.merge_metrics(OWN).splitlines()
    assert 'bayar_webhook_notifications_total{worker="2",kind="odd \\"} kind",outcome="done"} 1' in lines
    assert 'up{worker="1"} 1' in lines
    assert 'bayar_webhook_unfinished{state="dead"} 2' in lines
    assert "bayar_workers_replaced_total{} 5" in lines
    names = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
    assert len(names) == len(set(names))
    for line, following in pairwise(lines):
        if line.startswith("# TYPE ") and not following.startswith("#"):
            assert following.startswith(line.split()[2])


def test_half_of_the_workers_are_enough_and_fewer_are_not() -> None:
    worker_pool = WorkerPoolStatus()
    worker_pool.update(wanted=4, ready=2, replaced=0)
    assert worker_pool.has_enough
    assert worker_pool.summary == "2 of 4 workers"
    worker_pool.update(wanted=4, ready=1, replaced=0)
    assert not worker_pool.has_enough
