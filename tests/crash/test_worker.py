"""No thread of the storm dies unheard: one that does ends the storm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.storm import brewing
from tests.crash.weather import Weather
from tests.crash.worker import StormFailed, Worker, all_well


def test_a_worker_keeps_the_exception_that_ended_it() -> None:
    def fall() -> None:
        raise ValueError("fell")

    well, fallen = Worker(name="well", target=lambda: None), Worker(name="fallen", target=fall)
    for worker in (well, fallen):
        worker.start()
        worker.join()
    all_well([well])
    with pytest.raises(StormFailed, match="fallen died of ValueError") as caught:
        all_well([well, fallen])
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.timeout(120)
def test_a_failed_fault_injector_fails_the_storm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Weather) -> None:
        raise RuntimeError("no wind")

    monkeypatch.setattr(Weather, "_blow", fail)
    with brewing("sqlite", 1, tmp_path) as storm, pytest.raises(StormFailed, match="weather died"):
        storm.run(600, shoppers=1)
