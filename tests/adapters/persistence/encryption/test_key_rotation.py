"""Keys change while the service works, and a wrong one is told before anything is read with it."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from adapters.persistence.encryption.key_check import (
    MissingKey,
    MissingProofs,
    SealingState,
    WrongIndexKey,
    WrongKey,
    complete,
    forget,
    register,
)
from adapters.persistence.encryption.key_rotation import count_by_key, reseal
from adapters.persistence.encryption.sealing import CannotOpen, PlainText, Sealer, SealingKey
from adapters.persistence.store import SqlStore
from adapters.persistence.tables import customers, encryption_keys, metadata, payments
from domain.address import Address
from domain.customer import Customer
from domain.ids import CustomerId
from tests.contract import random_payments
from tests.encryption_keys import NEW_KEY, OLD_KEY, SEALER

BOTH = Sealer([NEW_KEY, OLD_KEY], b"an index key")
ONLY_NEW = Sealer([NEW_KEY], b"an index key")


def _customer(number: int) -> Customer:
    return Customer(
        customer_id=CustomerId(f"cus_{number:03}"),
        caller_id=random_payments.SHOP,
        create_time=random_payments.START,
        update_time=random_payments.START,
        external_id=f"their-{number}",
        given_name="Ani",
        family_name="Wijaya",
        email=f"Ani{number}@example.com",
        phone="+62 812",
    )


def _fill(engine: Engine, count: int = 5) -> SqlStore:
    store = SqlStore(engine, random_payments.IDS, SEALER)
    with store.begin() as work:
        for number in range(count):
            work.customers.add(_customer(number))
        work.payments.add(random_payments.started(billing_address=Address(street_address="Jalan Braga 1")))
    return store


def _unseal(engine: Engine) -> None:
    """Makes the customers what they were before there were keys."""
    with engine.begin() as connection:
        for number in range(5):
            own = _customer(number)
            values = {
                name: getattr(own, name) for name in ("external_id", "given_name", "family_name", "email", "phone")
            }
            values |= {"external_id_digest": "", "email_digest": ""}
            connection.execute(update(customers).where(customers.c.customer_id == own.customer_id).values(values))


def test_rotation_reseals_everything_and_then_the_old_key_may_go(engine: Engine) -> None:
    _fill(engine)
    assert set(count_by_key(engine)) == {"old"}
    assert reseal(engine, BOTH) >= 7
    assert set(count_by_key(engine)) == {"new"}
    assert reseal(engine, BOTH) == 0
    with SqlStore(engine, random_payments.IDS, ONLY_NEW).read() as work:
        assert work.customers.get(CustomerId("cus_003")) == _customer(3)
        found = work.customers.page(random_payments.SHOP, email="ANI2@example.COM", after=None, limit=5)
        assert [customer.customer_id for customer in found] == ["cus_002"]
        assert work.customers.find_by_external_id(random_payments.SHOP, "their-4") == _customer(4)


def test_rows_from_before_there_were_keys_are_sealed_and_found(engine: Engine) -> None:
    _fill(engine)
    _unseal(engine)
    assert count_by_key(engine)[""] == 25
    assert reseal(engine, SEALER) == 5
    assert "" not in count_by_key(engine)
    with SqlStore(engine, random_payments.IDS, SEALER).read() as work:
        assert work.customers.find_by_external_id(random_payments.SHOP, "their-1") == _customer(1)


def test_rotation_while_others_write_loses_no_change(engine: Engine) -> None:
    _fill(engine)
    store = SqlStore(engine, random_payments.IDS, BOTH)
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        number = 0
        while not stop.is_set() or number < 5:
            with store.begin() as work:
                customer = work.customers.get(CustomerId("cus_001"), lock=True)
                assert customer is not None
                work.customers.save(replace(customer, phone=f"+62 {number}"))
            number += 1
        written.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for sealer in (BOTH, Sealer([OLD_KEY, NEW_KEY], b"an index key"), BOTH):
            reseal(engine, sealer)
    finally:
        stop.set()
        writer.join(30)
    with store.read() as work:
        customer = work.customers.get(CustomerId("cus_001"))
    assert customer is not None
    assert customer.phone == f"+62 {written[0] - 1}"


def test_no_plain_personal_data_is_in_any_table(engine: Engine) -> None:
    _fill(engine)
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            kept = repr(connection.execute(select(table)).all())
            for personal in ("Ani", "Wijaya", "example.com", "62 812", "Braga", "their-"):
                # As a word: sealed text is random letters, and three of them are a name now and then.
                assert not re.search(rf"(?<![\w+/-]){re.escape(personal)}", kept), table.name


def test_a_key_of_another_value_is_refused(engine: Engine) -> None:
    assert register(engine, SEALER) is SealingState.UNDER_WAY
    assert register(engine, SEALER) is SealingState.UNDER_WAY
    complete(engine, SEALER)
    assert register(engine, BOTH) is SealingState.COMPLETE
    with pytest.raises(WrongKey) as wrong:
        register(engine, Sealer([SealingKey("old", b"x" * 32)], b"an index key"))
    assert wrong.value.key_id == "old"


def test_a_missing_key_is_refused_until_it_is_forgotten(engine: Engine) -> None:
    register(engine, SEALER)
    register(engine, BOTH)
    with pytest.raises(MissingKey) as missing:
        register(engine, ONLY_NEW)
    assert missing.value.key_id == "old"
    forget(engine, "old")
    register(engine, ONLY_NEW)


def test_another_key_for_lookups_is_refused_unless_they_are_made_anew(engine: Engine) -> None:
    register(engine, SEALER)
    _fill(engine)
    other = Sealer([OLD_KEY], b"another index key")
    with pytest.raises(WrongIndexKey):
        register(engine, other)
    register(engine, other, replace_index_key=True)
    assert reseal(engine, other) == 5
    with SqlStore(engine, random_payments.IDS, other).read() as work:
        assert work.customers.find_by_external_id(random_payments.SHOP, "their-1") == _customer(1)


def _strict() -> Sealer:
    sealer = Sealer([OLD_KEY], b"an index key")
    sealer.refuse_plain()
    return sealer


def test_everything_that_is_written_is_read_where_plain_values_are_refused(engine: Engine) -> None:
    _fill(engine)
    with SqlStore(engine, random_payments.IDS, _strict()).read() as work:
        assert work.customers.get(CustomerId("cus_001")) == _customer(1)
    assert reseal(engine, _strict()) == 0


@pytest.mark.parametrize("column", ["given_name", "email", "phone", "external_id"])
def test_a_plain_value_in_a_sealed_database_is_refused(column: str, engine: Engine) -> None:
    _fill(engine)
    with engine.begin() as connection:
        changed = {column: "Mallory"}
        connection.execute(update(customers).where(customers.c.customer_id == "cus_001").values(changed))
    store = SqlStore(engine, random_payments.IDS, _strict())
    with (
        store.read() as work,
        pytest.raises(PlainText, match=f"customers.{column}/cus_001 is plain text in a database"),
    ):
        work.customers.get(CustomerId("cus_001"))
    # The rotation does not make it good, either.
    with pytest.raises(PlainText):
        reseal(engine, _strict())


def test_a_plain_entry_of_a_document_is_refused(engine: Engine) -> None:
    _fill(engine)
    with engine.begin() as connection:
        terms = connection.execute(select(payments.c.terms)).scalar_one()
        forged = {**terms, "billing_address": {"street_address": "Jalan Mallory 1"}}
        connection.execute(update(payments).values(terms=forged))
        payment_id = connection.execute(select(payments.c.payment_id)).scalar_one()
    with SqlStore(engine, random_payments.IDS, _strict()).read() as work, pytest.raises(PlainText):
        work.payments.get(payment_id)
    with pytest.raises(PlainText):
        reseal(engine, _strict())


def test_a_sealed_value_of_another_row_or_column_is_refused(engine: Engine) -> None:
    _fill(engine)
    for column, source in ((customers.c.phone, "cus_002"), (customers.c.email, "cus_001")):
        with engine.begin() as connection:
            stolen = connection.execute(select(column).where(customers.c.customer_id == source)).scalar_one()
            moved = update(customers).where(customers.c.customer_id == "cus_001").values(phone=stolen)
            connection.execute(moved)
        with SqlStore(engine, random_payments.IDS, _strict()).read() as work, pytest.raises(CannotOpen):
            work.customers.get(CustomerId("cus_001"))


def test_that_everything_is_sealed_is_not_unsaid_without_a_key(engine: Engine) -> None:
    register(engine, SEALER)
    _fill(engine)
    complete(engine, SEALER)
    with engine.begin() as connection:
        kept = connection.execute(select(encryption_keys)).all()
        connection.execute(update(encryption_keys).values(proof="bayar"))
    with pytest.raises((WrongKey, WrongIndexKey)):
        register(engine, SEALER)
    with engine.begin() as connection:
        connection.execute(delete(encryption_keys))
    with pytest.raises(MissingProofs):
        register(engine, SEALER)
    with engine.begin() as connection:
        connection.execute(insert(encryption_keys), [dict(row._mapping) for row in kept])
    assert register(engine, SEALER) is SealingState.COMPLETE
