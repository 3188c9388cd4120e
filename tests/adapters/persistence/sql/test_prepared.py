"""Fixed statements on the driver's cursor: the same rows, errors and connections as by SQLAlchemy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest
from sqlalchemy import Engine, bindparam, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from adapters.persistence.sql.prepared import Prepared, execute_sql
from adapters.persistence.tables import requests

_ADD: Final = Prepared(insert(requests))
_BY_ID: Final = select(requests).where(requests.c.request_id == bindparam("request_id"))
_GET: Final = Prepared(_BY_ID)
_REFUSE: Final = Prepared(update(requests).where(requests.c.caller_id == bindparam("own_caller_id")))
# In another zone, with microseconds; it is stored in UTC.
_TIME: Final = datetime(2026, 2, 28, 23, 59, 59, 1, tzinfo=timezone(timedelta(hours=-7)))


def row(request_id: str, **other: Any) -> dict[str, Any]:
    return {
        "caller_id": "shop",
        "request_id": request_id,
        "method": "CreatePayment",
        "resource_id": "pay_1",
        "fingerprint": {"amount": "ä", "card": None},
        "refusal": None,
        "create_time": _TIME,
    } | other


def test_rows_are_those_of_sqlalchemy(engine: Engine) -> None:
    """JSON, times and NULL are converted both ways."""
    with engine.begin() as connection:
        assert _ADD.run(connection, row("one"), row("two", refusal={"kind": "x"})) == 2
        for request_id in ("one", "two"):
            found = _GET.all(connection, {"request_id": request_id})
            assert found == [list(one) for one in connection.execute(_BY_ID, {"request_id": request_id})]
        assert found[0][requests.c.keys().index("create_time")] == _TIME.astimezone(UTC)
        assert _GET.all(connection, {"request_id": "three"}) == []
        nothing = select(requests.c.request_id).where(requests.c.refusal.is_(None))
        assert connection.execute(nothing).scalars().all() == ["one"]


def test_a_change_returns_the_number_of_its_rows(engine: Engine) -> None:
    with engine.begin() as connection:
        _ADD.run(connection, row("one"), row("two"), row("three", caller_id="other"))
        assert _REFUSE.run(connection, {"own_caller_id": "shop", "refusal": {"kind": "x"}}) == 2
        assert _REFUSE.run(connection, {"own_caller_id": "nobody", "refusal": None}) == 0


def test_errors_are_those_of_sqlalchemy_without_the_parameters(engine: Engine) -> None:
    with engine.connect() as connection:
        with connection.begin():
            _ADD.run(connection, row("one"))
        with pytest.raises(IntegrityError) as refusal, connection.begin():
            _ADD.run(connection, row("one", resource_id="a secret"))
        assert refusal.value.orig is not None
        assert refusal.value.hide_parameters
        assert "a secret" not in str(refusal.value).replace(str(refusal.value.orig), "")
        kinds = {"sqlite": OperationalError, "postgresql": ProgrammingError}
        with pytest.raises(kinds[engine.dialect.name]), connection.begin():
            execute_sql(connection, "SELECT 1 FROM nowhere")
        # The connection goes on.
        assert len(_GET.all(connection, {"request_id": "one"})) == 1


def test_a_value_that_is_no_sql_error_is_raised_as_it_is(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(Exception, match="has no time zone"):
        _ADD.run(connection, row("one", create_time=datetime(2026, 1, 1)))  # noqa: DTZ001  (the fault under test)


def test_listeners_see_each_statement(engine: Engine) -> None:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement.split()[0])

    with engine.begin() as connection:
        _ADD.run(connection, row("one"))
        event.listen(engine, "before_cursor_execute", note)
        try:
            _ADD.run(connection, row("two"), row("three"))
            _ADD.run(connection, row("four"))
            found = _GET.all(connection, {"request_id": "four"})
        finally:
            event.remove(engine, "before_cursor_execute", note)
        assert [list(one) for one in found] == _GET.all(connection, {"request_id": "four"})
    assert seen == ["INSERT", "INSERT", "SELECT"]


def test_a_change_outside_a_transaction_begins_one(engine: Engine) -> None:
    with engine.connect() as connection:
        _ADD.run(connection, row("one"))
        assert connection.in_transaction()
        connection.commit()
    with engine.connect() as connection:
        assert len(_GET.all(connection, {"request_id": "one"})) == 1


def test_a_connection_that_the_server_closed_is_given_up(postgres_engine: Engine) -> None:
    with postgres_engine.connect() as connection, postgres_engine.connect() as other:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        with pytest.raises(OperationalError) as loss:
            _GET.all(connection, {"request_id": "one"})
        assert loss.value.connection_invalidated
        assert connection.invalidated
