"""Translates database drivers' errors into the application's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc

from application.common.errors import StoreConflict, StoreUnavailable

# Serialization failure and deadlock, in PostgreSQL and in engines with its protocol.
_CONFLICTS: Final = frozenset({"40001", "40P01"})


@contextmanager
def translate_db_errors() -> Iterator[None]:
    """Raises StoreUnavailable for failures of the database or of the way to it, never for an internal fault.

    StoreConflict if the transaction certainly did not commit, and may be retried at once.
    """
    try:
        yield
    except exc.TimeoutError as failure:
        raise StoreUnavailable("every connection is in use") from failure
    except exc.DBAPIError as failure:
        if not _is_the_databases(failure):
            raise
        kind = StoreConflict if getattr(failure.orig, "sqlstate", None) in _CONFLICTS else StoreUnavailable
        raise kind(f"{type(failure.orig).__name__}: {failure.orig}") from failure


def _is_the_databases(failure: exc.DBAPIError) -> bool:
    # Locked, full, gone, timed out, deadlocked, shutting down; a standby that refuses to write raises InternalError,
    # and a damaged SQLite file a bare DatabaseError.
    return (
        isinstance(failure, exc.OperationalError | exc.InterfaceError | exc.InternalError)
        or type(failure) is exc.DatabaseError
        or failure.connection_invalidated
    )
