"""Store contract: erasure of personal data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.store import Store
from domain import ids as prefixes
from domain.address import Address
from domain.customer import NO_CONTACT
from domain.events import OperationDeclined, OperationSucceeded
from domain.ids import CustomerId, PaymentMethodId
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from tests.contract import random_payments
from tests.contract.random_payments import IDS, SHOP, at, started
from tests.contract.store_steps import VISA, add, get, on_one_store, succeed


class TestErasing:
    @on_one_store
    @given(data=st.data())
    def test_erasure_leaves_nothing_personal_of_a_customer_and_a_replayable_history(
        self, store: Store, data: st.DataObject
    ) -> None:
        customer_id = CustomerId(IDS.new(prefixes.CUSTOMER))
        payment = data.draw(random_payments.new_payments(customer_id=customer_id))
        for _ in range(data.draw(st.integers(0, 8))):
            random_payments.change_randomly(data.draw, payment)
        add(store, payment)
        with store.begin() as work:
            if data.draw(st.booleans()):
                work.payments.erase_personal_data(customer_id)
            else:
                work.payments.erase_guest(payment.terms.payment_id)
        nothing = Address()
        bare = replace(payment.terms, billing_address=nothing, shipping_address=nothing, guest=NO_CONTACT)
        instrument = payment.instrument and replace(payment.instrument, cardholder_name="", account="")
        found = get(store, payment)
        assert (found.terms, found.instrument) == (bare, instrument)
        assert found.operations == payment.operations
        with store.read() as work:
            events = [entry.event for entry in work.payments.history(payment.terms.payment_id)]
        assert Payment.replay(events) == found
        for event in events:
            if isinstance(event, OperationSucceeded | OperationDeclined) and event.instrument is not None:
                assert (event.instrument.cardholder_name, event.instrument.account) == ("", "")

    @pytest.mark.parametrize("state", PaymentMethodState)
    def test_erasure_leaves_nothing_personal_of_a_method(self, state: PaymentMethodState, store: Store) -> None:
        mine, other = (
            PaymentMethod(
                payment_method_id=PaymentMethodId(IDS.new(prefixes.PAYMENT_METHOD)),
                caller_id=SHOP,
                customer_id=CustomerId(IDS.new(prefixes.CUSTOMER)),
                state=state,
                create_time=at(0).time,
                update_time=at(0).time,
                instrument=replace(VISA, cardholder_name="Jo", account="jo@example.com"),
                billing_address=Address(given_name="Jo"),
            )
            for _ in range(2)
        )
        with store.begin() as work:
            work.payment_methods.add(mine)
            work.payment_methods.add(other)
            work.payment_methods.erase_personal_data(mine.customer_id)
        store.wipe()
        with store.read() as work:
            assert work.payment_methods.get(mine.payment_method_id) == replace(
                mine, instrument=VISA, billing_address=Address()
            )
            assert work.payment_methods.get(other.payment_method_id) == other

    def test_other_customers_are_left_alone(self, store: Store) -> None:
        mine, other, nobody = (
            started(customer_id=customer_id, billing_address=Address(given_name="Jo"))
            for customer_id in (CustomerId("cus_1"), CustomerId("cus_2"), None)
        )
        add(store, mine, other, nobody)
        with store.begin() as work:
            work.payments.erase_personal_data(CustomerId("cus_1"))
        assert [get(store, p).terms.billing_address.given_name for p in (mine, other, nobody)] == ["", "Jo", "Jo"]

    def test_erasure_covers_concurrent_writes(self, store: Store) -> None:
        payment = started(customer_id=CustomerId("cus_1"))
        add(store, payment)
        underway = Event()

        def erase() -> None:
            underway.set()
            with store.begin() as work:
                work.payments.erase_personal_data(CustomerId("cus_1"))

        with ThreadPoolExecutor(1) as pool:
            with store.begin() as work:
                current = work.payments.get(payment.terms.payment_id, lock=True)
                assert current is not None
                succeed(current, instrument=replace(VISA, cardholder_name="Jo"))
                erasing = pool.submit(erase)
                underway.wait(10)
                work.payments.save(current)
            erasing.result(10)
        assert get(store, payment).instrument == VISA
