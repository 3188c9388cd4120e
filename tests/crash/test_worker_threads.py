"""A thread of the storm that dies ends the storm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.fault_injector import FaultInjector
from tests.crash.storm import prepared_storm
from tests.crash.worker_threads import StormFailed, Worker, raise_first_failure


def test_a_worker_keeps_the_exception_that_ended_it() -> None:
    def fall() -> None:
        raise ValueError("fell")

    well, fallen = Worker(name="well", target=lambda: None), Worker(name="fallen", target=fall)
    for worker in (well, fallen):
        worker.start()
        worker.join()
    raise_first_failure([well])
    with pytest.raises(StormFailed, match="fallen died of ValueError") as caught:
        raise_first_failure([well, fallen])
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.timeout(120)
def test_a_failed_fault_injector_fails_the_storm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: FaultInjector) -> None:
        raise RuntimeError("no wind")

    monkeypatch.setattr(FaultInjector, "_add_fault", fail)
    with prepared_storm("sqlite", 1, tmp_path) as storm, pytest.raises(StormFailed, match="weather died"):
        storm.run(600, generators=1)
