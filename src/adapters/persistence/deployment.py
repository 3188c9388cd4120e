"""What is true of the whole database: the mark that its transactions carry at the gateway."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, Engine, select

from adapters.persistence.failures import told_as_unavailable
from adapters.persistence.statements import insert_unless_taken
from adapters.persistence.tables import deployment

_THE_ONE: Final = 1
# No letters that look alike. 50 bits.
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 10


def mark_of(engine: Engine) -> str:
    """The deployment's mark; made at the first start. Raises StoreUnavailable."""
    with told_as_unavailable(), engine.begin() as connection:
        mark = connection.execute(select(deployment.c.mark)).scalar()
    return str(mark) if mark is not None else _new_mark(engine)


def _new_mark(engine: Engine) -> str:
    with told_as_unavailable(), engine.begin() as connection:
        # Another process may be quicker: then its mark is the one.
        make_row(connection)
        return str(connection.execute(select(deployment.c.mark)).scalar_one())


def make_row(connection: Connection) -> None:
    """Makes the one row, unless it is there."""
    mark = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    insert_unless_taken(connection, deployment, {"deployment_id": _THE_ONE, "mark": mark}, "deployment_id")
