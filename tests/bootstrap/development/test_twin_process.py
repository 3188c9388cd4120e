"""The twin that the development commands start: one in a folder, whatever else lies in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.development.twin_process import TwinFailed, running_twin


def test_a_second_twin_in_the_folder_says_that_one_runs_already(tmp_path: Path) -> None:
    with (
        running_twin(tmp_path),
        pytest.raises(TwinFailed, match=r"^Bayar runs already with a twin in this folder"),
        running_twin(tmp_path),
    ):
        pass


def test_modules_of_the_callers_folder_are_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("braintree_twin", "bootstrap", "domain", "ssl"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('somebody else')\n")
    monkeypatch.chdir(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    with running_twin(state) as twin:
        assert twin.url.startswith("https://127.0.0.1:")
