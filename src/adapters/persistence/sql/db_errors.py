"""Translates database drivers' errors into the application's errors."""

from typing import Final

from sqlalchemy import exc

from application.common.errors import StoreConflict, StoreUnavailable

# Serialization failure and deadlock, in PostgreSQL and in engines with its protocol; and a prepared statement that is
# gone, which is prepared again.
_CONFLICTS: Final = frozenset({"40001", "40P01", "26000"})


class translate_db_errors:  # noqa: N801  (a context manager, like contextlib.suppress)
    """Raises StoreUnavailable for failures of the database or of the way to it, never for an internal fault.

    StoreConflict if the transaction certainly did not commit, and may be retried at once.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, failure: BaseException | None, traceback: object) -> None:
        if isinstance(failure, exc.TimeoutError):
            raise StoreUnavailable("every connection is in use") from failure
        if isinstance(failure, exc.DBAPIError) and _is_the_databases(failure):
            is_conflict = getattr(failure.orig, "sqlstate", None) in _CONFLICTS
            error = StoreConflict if is_conflict else StoreUnavailable
            raise error(f"{type(failure.orig).__name__}: {failure.orig}") from failure


def _is_the_databases(failure: exc.DBAPIError) -> bool:
    # Locked, full, gone, timed out, deadlocked, shutting down; a standby that refuses to write raises InternalError,
    # and a damaged SQLite file a bare DatabaseError.
    return (
        isinstance(failure, exc.OperationalError | exc.InterfaceError | exc.InternalError)
        or type(failure) is exc.DatabaseError
        or failure.connection_invalidated
    )
