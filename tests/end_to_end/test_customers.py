"""Customers are created, found, changed, listed and forgotten."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import grpc
import pytest

from adapters.persistence.sql.engine import create_engine
from bayar.messages import BayarClient, BayarError, PaymentState
from bayar.payments.v1.address_pb2 import Address
from bayar.payments.v1.payment_method_pb2 import PaymentMethodState
from tests.encryption_keys import opened_rows, sealer_of
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.service import Pair


def test_a_customer_is_kept_as_given_and_found_by_either_id(bayar: BayarClient) -> None:
    external_id = f"shop-{uuid.uuid4()}"
    told: dict[str, Any] = {
        "external_id": external_id,
        "given_name": "Sari",
        "family_name": "Dewi Lestari",
        "email": "sari@example.id",
        "phone": "+62 812 3456 7890",
        "language_code": "id",
    }
    customer = bayar.create_customer(**told)
    assert {name: getattr(customer, name) for name in told} == told
    assert customer.customer_id.startswith("cus_")
    assert customer.HasField("create_time")
    assert bayar.get_customer(customer_id=customer.customer_id) == customer
    assert bayar.get_customer(external_id=external_id) == customer


def test_the_same_request_makes_one_customer(bayar: BayarClient) -> None:
    request_id, email = str(uuid.uuid4()), f"{uuid.uuid4()}@example.com"
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda _: bayar.create_customer(request_id=request_id, email=email), range(10)))
    assert {customer.customer_id for customer in made} == {made[0].customer_id}
    assert [c.customer_id for c in bayar.list_customers(email=email)] == [made[0].customer_id]
    with pytest.raises(BayarError) as raised:
        bayar.create_customer(request_id=request_id, email="other@example.com")
    assert (raised.value.reason, raised.value.metadata["fields"]) == ("REQUEST_ID_REUSED", "email")


def test_an_external_id_belongs_to_one_customer(bayar: BayarClient) -> None:
    external_id = f"shop-{uuid.uuid4()}"
    first = bayar.create_customer(external_id=external_id)
    with pytest.raises(BayarError) as raised:
        bayar.create_customer(external_id=external_id)
    assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.ALREADY_EXISTS, "EXTERNAL_ID_TAKEN")
    assert raised.value.metadata["customer_id"] == first.customer_id
    other = bayar.create_customer()
    with pytest.raises(BayarError) as raised:
        bayar.update_customer(customer_id=other.customer_id, external_id=external_id)
    assert raised.value.reason == "EXTERNAL_ID_TAKEN"
    bayar.delete_customer(customer_id=first.customer_id)
    assert bayar.update_customer(customer_id=other.customer_id, external_id=external_id).external_id == external_id


def test_an_update_changes_what_the_mask_names_and_nothing_else(bayar: BayarClient) -> None:
    customer = bayar.create_customer(given_name="Sari", phone="1", email="a@example.com")
    request_id = str(uuid.uuid4())
    changed = bayar.update_customer(
        customer_id=customer.customer_id, given_name="Budi", phone="", request_id=request_id
    )
    assert (changed.given_name, changed.phone, changed.email) == ("Budi", "", "a@example.com")
    assert changed.update_time.ToDatetime() > customer.update_time.ToDatetime()
    bayar.update_customer(customer_id=customer.customer_id, given_name="Citra")
    again = bayar.update_customer(customer_id=customer.customer_id, given_name="Budi", phone="", request_id=request_id)
    assert again.given_name == "Citra", "a repeat answers with the customer as it is now"


def test_customers_are_listed_newest_first_in_pages(bayar: BayarClient) -> None:
    made = [bayar.create_customer(given_name=f"number {n}").customer_id for n in range(5)]
    listed = [customer.customer_id for customer in bayar.list_customers(page_size=2)]
    assert listed[:5] == made[::-1]
    assert len(listed) == len(set(listed))


def test_an_email_address_is_found_whatever_its_case(bayar: BayarClient) -> None:
    name = uuid.uuid4()
    customer = bayar.create_customer(email=f"Sari.{name}@Example.com")
    assert [c.customer_id for c in bayar.list_customers(email=f"sari.{name}@example.COM")] == [customer.customer_id]


def test_deleting_a_customer_erases_the_person_and_keeps_the_payments(bayar: BayarClient, pair: Pair) -> None:
    secret = f"Rahasia{uuid.uuid4().hex}"
    customer = bayar.create_customer(
        external_id=f"{secret}-ext", given_name=f"{secret}-given", family_name=f"{secret}-family",
        email=f"{secret}@example.com", phone=f"{secret}-phone",
    )  # fmt: skip
    address = Address(given_name=secret, street_address=f"{secret} 1")
    payment = pay(
        bayar,
        customer_id=customer.customer_id,
        card=a_card(cardholder_name=f"{secret}-holder"),
        billing_address=address,
        store_payment_method=True,
    )
    method = bayar.add_payment_method(
        customer_id=customer.customer_id,
        card=a_card("5555555555554444", cardholder_name=secret),
        billing_address=address,
    )
    unwanted = bayar.add_payment_method(
        customer_id=customer.customer_id,
        card=a_card("378282246310005", cvv="1234", cardholder_name=secret),
        billing_address=address,
    )
    bayar.delete_payment_method(payment_method_id=unwanted.payment_method_id)
    assert set(traces_of(secret, pair)) == {"customers", "payment_methods", "payments", "payment_events", "feed_events"}

    request_id = str(uuid.uuid4())
    deleted = bayar.delete_customer(customer_id=customer.customer_id, request_id=request_id)
    assert deleted.HasField("delete_time")
    assert (deleted.external_id, deleted.given_name, deleted.email, deleted.phone) == ("", "", "", "")
    assert traces_of(secret, pair) == []
    kept = bayar.get_payment(payment_id=payment.payment_id)
    assert (kept.state, kept.amount) == (PaymentState.PAYMENT_STATE_CAPTURED, payment.amount)
    assert (kept.instrument.last_four, kept.instrument.cardholder_name) == ("1111", "")
    assert bayar.delete_customer(customer_id=customer.customer_id, request_id=request_id) == deleted
    with pytest.raises(BayarError) as raised:
        bayar.update_customer(customer_id=customer.customer_id, given_name="back")
    assert raised.value.reason == "CUSTOMER_NOT_FOUND"
    with pytest.raises(BayarError) as raised:
        pay(bayar, payment_method_id=method.payment_method_id)
    assert [v.field for v in raised.value.violations] == ["payment_method_id"]
    assert customer.customer_id not in {c.customer_id for c in bayar.list_customers()}
    assert bayar.refund_payment(payment_id=payment.payment_id).state == PaymentState.PAYMENT_STATE_VOIDED


def traces_of(text: str, pair: Pair) -> list[str]:
    """Where the text stands in the database: in a row, for one who has the keys, or in the bytes of the file."""
    engine = create_engine(f"sqlite:///{pair.database}")
    rows = opened_rows(engine, sealer_of(pair.service.environment))
    engine.dispose()
    found = [table for table, texts in rows.items() if any(text.lower() in row.lower() for row in texts)]
    files = sorted(pair.directory.glob(f"{pair.database.name}*"))
    return found + [file.name for file in files if text.lower().encode() in file.read_bytes().lower()]


def test_a_customer_whose_payment_is_not_known_yet_is_not_deleted(bayar: BayarClient, pair: Pair) -> None:
    customer = bayar.create_customer(given_name="Sari")
    pair.twin.control.add_fault("delay", seconds=2, method="POST", path="/transactions", next=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(pay, bayar, customer_id=customer.customer_id)
        while not list(bayar.list_payments(customer_id=customer.customer_id)):
            assert not slow.done()
        with pytest.raises(BayarError) as raised:
            bayar.delete_customer(customer_id=customer.customer_id)
        assert raised.value.code is grpc.StatusCode.FAILED_PRECONDITION
        assert raised.value.reason == "CUSTOMER_HAS_OPEN_PAYMENTS"
        slow.result()
    assert bayar.delete_customer(customer_id=customer.customer_id).HasField("delete_time")


def test_a_change_that_is_refused_never_reaches_the_gateway(bayar: BayarClient, pair: Pair) -> None:
    taken = bayar.create_customer(external_id=f"crm-{uuid.uuid4()}").external_id
    customer = bayar.create_customer(given_name="Sari")
    bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    before = pair.twin.control.requests().count("PUT /customers/{id}")
    with pytest.raises(BayarError) as raised:
        bayar.update_customer(customer_id=customer.customer_id, external_id=taken, given_name="Other")
    assert raised.value.reason == "EXTERNAL_ID_TAKEN"
    assert pair.twin.control.requests().count("PUT /customers/{id}") == before
    assert bayar.get_customer(customer_id=customer.customer_id).given_name == "Sari"


def test_a_request_from_before_the_deletion_is_replayed(bayar: BayarClient) -> None:
    customer = bayar.create_customer(given_name="Sari")
    adding, changing = str(uuid.uuid4()), str(uuid.uuid4())
    method = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(), request_id=adding)
    bayar.update_customer(customer_id=customer.customer_id, given_name="Dewi", request_id=changing)
    deleted = bayar.delete_customer(customer_id=customer.customer_id)
    again = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(), request_id=adding)
    assert again.payment_method_id == method.payment_method_id
    assert again.state == PaymentMethodState.PAYMENT_METHOD_STATE_DELETED
    assert bayar.update_customer(customer_id=customer.customer_id, given_name="Dewi", request_id=changing) == deleted
    with pytest.raises(BayarError) as raised:
        bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    assert [v.field for v in raised.value.violations] == ["customer_id"]


def test_deleting_and_adding_at_once_leaves_nothing_kept_of_a_deleted_customer(bayar: BayarClient) -> None:
    for _ in range(5):
        customer = bayar.create_customer(given_name="Sari")

        def add(customer_id: str = customer.customer_id) -> None:
            with suppress(BayarError):
                bayar.add_payment_method(customer_id=customer_id, card=a_card(cardholder_name="Sari"))

        def delete(customer_id: str = customer.customer_id) -> None:
            with suppress(BayarError):
                bayar.delete_customer(customer_id=customer_id)

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(call) for call in (add, delete, add, delete)]:
                done.result()
        if bayar.get_customer(customer_id=customer.customer_id).HasField("delete_time"):
            assert list(bayar.list_payment_methods(customer_id=customer.customer_id)) == []
