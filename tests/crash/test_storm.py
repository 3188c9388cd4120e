"""Ten seconds of the storm on each database. `make crash` runs longer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.storm import prepared_storm

SECONDS = 10


@pytest.mark.timeout(180)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_storm_loses_no_payment_and_charges_none_twice(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue("postgres").new_database() if database == "postgresql" else ""
    with prepared_storm(database, 5, tmp_path, url) as storm:
        board = storm.run(SECONDS)
    print(board)
    assert board.kills.total() > 0
    assert board.faults.total() > 0
    assert board.payments > 0
    assert (board.findings.lines(), board.internal_errors) == ([], []), str(board)
