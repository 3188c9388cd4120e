"""Facts about the whole database: the deployment's mark on transactions at the gateway, and the maintenance hold."""

import secrets
from typing import Final

from sqlalchemy import Connection, Engine, select, update

from adapters.persistence.newer_records import Members
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.statements import insert_if_absent
from adapters.persistence.tables import deployment
from application.recovery.service_hold import Hold, HoldLevel

_ROW_ID: Final = 1
# An alphabet without letters that look alike. 50 bits.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 10

_HOLD_LEVELS: Final = Members(HoldLevel)


def mark_of(engine: Engine) -> str:
    """The deployment's mark, created at the first start. Raises StoreUnavailable."""
    with translate_db_errors(), engine.begin() as connection:
        mark = connection.execute(select(deployment.c.mark)).scalar()
    return str(mark) if mark is not None else _new_mark(engine)


def _new_mark(engine: Engine) -> str:
    with translate_db_errors(), engine.begin() as connection:
        # Another process may have been faster: its mark is valid then.
        _make_row(connection)
        return str(connection.execute(select(deployment.c.mark)).scalar_one())


def hold_of(connection: Connection) -> Hold:
    row = connection.execute(select(deployment.c.hold, deployment.c.hold_reason, deployment.c.hold_time)).first()
    return Hold() if row is None else Hold(_HOLD_LEVELS[row.hold], row.hold_reason, row.hold_time)


def save_hold(connection: Connection, hold: Hold) -> None:
    _make_row(connection)
    values = {"hold": hold.level.value, "hold_reason": hold.reason, "hold_time": hold.time}
    connection.execute(update(deployment).values(values))


def renew_mark(connection: Connection) -> str:
    _make_row(connection)
    mark = _random_mark()
    connection.execute(update(deployment).values(mark=mark))
    return mark


def _make_row(connection: Connection) -> None:
    """Inserts the one row, unless it exists."""
    row = {"deployment_id": _ROW_ID, "mark": _random_mark()}
    insert_if_absent(connection, deployment, row, "deployment_id")


def _random_mark() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
