"""The environment of every measure: the twin, the databases, rounds and seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.processes import postgresql
from braintree_twin.testing import Twin

SQLITE: Final = "SQLite"
POSTGRESQL: Final = "PostgreSQL"
_SALES: Final = "/transactions"


@dataclass(slots=True)
class Environment:
    twin: Twin
    directory: Path
    rounds: int
    seconds: float
    # Whether the largest sizes are wanted.
    is_full: bool
    stack: ExitStack
    _names: Callable[[], int] = field(default_factory=lambda: count().__next__)
    _postgresql_url: str = ""

    @contextmanager
    def slow_gateway(self, seconds: float) -> Iterator[None]:
        """Each answer to a sale takes so many seconds more."""
        if seconds:
            self.twin.control.add_fault("delay", method="POST", path=_SALES, seconds=seconds)
        try:
            yield
        finally:
            self.twin.control.clear_faults()

    def new_directory(self) -> Path:
        """An empty directory."""
        directory = self.directory / str(self._names())
        directory.mkdir()
        return directory

    def new_database(self, kind: str) -> str:
        """The URL of an empty database."""
        if kind == SQLITE:
            return f"sqlite:///{self.directory / f'{self._names()}.db'}"
        if not self._postgresql_url:
            self._postgresql_url = self.stack.enter_context(postgresql(self.directory / "postgresql"))
        import psycopg
        from psycopg import sql

        name = f"bench_{self._names()}"
        with psycopg.connect(self._postgresql_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._postgresql_url.replace("/postgres?", f"/{name}?", 1)
