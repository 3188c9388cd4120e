"""Runs a short storm with each mutant, and returns the findings of the checker."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.persistence.migrate import upgrade
from adapters.persistence.sql.engine import create_engine
from braintree_twin.testing import Twin, start_twin
from tests.api_keys import let_in
from tests.crash.mutants import ALL, Mutant
from tests.crash.replica import Replica
from tests.crash.scoreboard import Scoreboard
from tests.crash.service_settings import service_environment
from tests.crash.storm import Storm


class MutantStorms:
    """One launcher of replicas for all mutants. Each mutant has its own gateway and database."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._empty = directory / "empty.db"
        engine = create_engine(f"sqlite:///{self._empty}")
        upgrade(engine)
        let_in(engine)
        engine.dispose()
        self._replica = Replica("victim", {}, directory)

    def close(self) -> None:
        self._replica.close()

    def run(self, mutant: Mutant | None, seed: int = 1) -> Scoreboard:
        """Run every action of the generators with the mutant. Without a mutant, there must be no findings."""
        with tempfile.TemporaryDirectory(dir=self._directory) as name:
            directory = Path(name)
            database = directory / "bayar.db"
            shutil.copy(self._empty, database)
            with (
                start_twin(directory, separate_control=True) as twin,
                self._storm(twin, database, mutant, seed) as storm,
            ):
                return storm.run_every_action(mutant.faults if mutant else ())

    def restore(self, mutant: Mutant | None, seed: int = 1) -> Scoreboard:
        """Like `run`, with a backup that is restored at the end."""
        with tempfile.TemporaryDirectory(dir=self._directory) as name:
            directory = Path(name)
            database = directory / "bayar.db"
            shutil.copy(self._empty, database)
            with (
                start_twin(directory, separate_control=True) as twin,
                self._storm(twin, database, mutant, seed) as storm,
            ):
                return storm.run_with_restore(database)

    @contextmanager
    def _storm(self, twin: Twin, database: Path, mutant: Mutant | None, seed: int) -> Iterator[Storm]:
        url = f"sqlite:///{database}"
        self._replica.environment = service_environment(twin, url) | {"BAYAR_ABSENCE_HORIZON_SECONDS": "3"}
        self._replica.mutant = mutant.name if mutant else ""
        storm = Storm("sqlite", url, twin, database.parent, seed, replicas=[self._replica])
        try:
            yield storm
        finally:
            self._replica.kill()
            storm.request_log.close()
            storm.dispose()


@contextmanager
def mutant_storms_in_temporary_directory() -> Iterator[MutantStorms]:
    with tempfile.TemporaryDirectory(prefix="bayar-hunt-") as directory:
        mutant_storms = MutantStorms(Path(directory))
        try:
            yield mutant_storms
        finally:
            mutant_storms.close()


def table() -> str:
    """The mutants, in Markdown."""
    rows = [f"| {mutant.name} | {mutant.column} |" for mutant in ALL]
    return "\n".join(["| Planted | Seen in |", "|---|---|", *rows])
