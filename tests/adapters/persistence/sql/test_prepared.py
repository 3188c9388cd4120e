"""Fixed statements on the driver's cursor: the same rows, errors and connections as by SQLAlchemy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any, Final

import pytest
from sqlalchemy import Engine, bindparam, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from adapters import cooperation
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


def test_what_is_left_for_later_is_seen_by_the_next_statement(engine: Engine) -> None:
    with engine.begin() as connection:
        _ADD.run_later(connection, row("one"), row("two"))
        _ADD.run_later(connection, row("three"))
        assert len(connection.execute(select(requests)).all()) == 3
        assert _GET.all(connection, {"request_id": "two"})


def test_what_is_left_for_later_is_committed(engine: Engine) -> None:
    with engine.begin() as connection:
        _ADD.run_later(connection, row("one"), row("two"))
    with engine.connect() as other:
        assert len(other.execute(select(requests)).all()) == 2


def test_what_is_left_for_later_is_lost_with_its_transaction(engine: Engine) -> None:
    def fail() -> None:
        with engine.begin() as connection:
            _ADD.run_later(connection, row("one"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    for _ in range(2):
        with engine.begin() as connection:
            assert connection.execute(select(requests)).all() == []


@pytest.mark.parametrize("is_seen", [False, True], ids=["at the commit", "at the next statement"])
def test_an_error_of_what_was_left_for_later_undoes_the_transaction(engine: Engine, is_seen: bool) -> None:
    def add_twice() -> None:
        with engine.begin() as connection:
            _ADD.run(connection, row("one"))
            _ADD.run_later(connection, row("two"), row("one"), row("three"))
            if is_seen:
                connection.execute(select(requests)).all()

    with pytest.raises(IntegrityError):
        add_twice()
    with engine.begin() as connection:
        assert connection.execute(select(requests)).all() == []
        _ADD.run_later(connection, row("one"))
    with engine.connect() as other:
        assert len(other.execute(select(requests)).all()) == 1


def test_a_savepoint_undoes_what_was_left_for_later_inside_it(engine: Engine) -> None:
    with engine.begin() as connection:
        _ADD.run_later(connection, row("before"))
        execute_sql(connection, "SAVEPOINT inner_one")
        _ADD.run_later(connection, row("inside"))
        execute_sql(connection, "ROLLBACK TO inner_one")
        _ADD.run_later(connection, row("after"))
    with engine.connect() as other:
        assert sorted(other.execute(select(requests.c.request_id)).scalars()) == ["after", "before"]


def test_work_leaves_for_later_as_threads_do(engine: Engine) -> None:
    def add(name: str) -> None:
        with engine.begin() as connection:
            _ADD.run_later(connection, *(row(f"{name} {number}") for number in range(3)))

    async def story() -> None:
        done: list[asyncio.Future[None]] = []
        for number in range(5):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.append(future)
            cooperation.start(partial(_tell, future, partial(add, str(number))))
        await asyncio.wait_for(asyncio.gather(*done), 20)

    asyncio.run(story())
    with engine.connect() as other:
        assert len(other.execute(select(requests)).all()) == 15


def _tell(future: asyncio.Future[None], work: Callable[[], None]) -> None:
    try:
        work()
        future.set_result(None)
    except BaseException as failure:
        future.set_exception(failure)
