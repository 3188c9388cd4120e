"""Store contract: the search index."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.common.pagination import Position
from application.ports.payment_filter import PaymentFilter
from application.ports.search import FoundPage, SearchDocument
from application.ports.store import Store
from application.search.index_payments import IndexPayments, index
from application.search.search_terms import TERMS_VERSION, contents_of, indexed_terms, terms_of
from domain.customer import GuestContact
from domain.ids import CallerId, PaymentId
from domain.instrument import Instrument, InstrumentKind
from domain.payment_state import PaymentState
from domain.personal_data import OF_CUSTOMER
from tests.contract import random_payments
from tests.contract.random_payments import IDS, SHOP, at, started
from tests.contract.store_steps import OTHER_SHOP, add, on_one_store, person, succeed

ALL = PaymentFilter()


def relayed(store: Store) -> None:
    with store.begin() as work:
        while work.feed.relay(500):
            pass


def index_all(store: Store) -> None:
    """Runs the job until nothing waits."""
    relayed(store)
    job = IndexPayments(store)
    for _ in range(50):
        job()
        with store.read() as work:
            if not work.search.has_work(TERMS_VERSION):
                return
    raise AssertionError("the index does not come to an end")


def page(
    store: Store,
    *clauses: str | frozenset[str],
    caller_id: CallerId | None = SHOP,
    which: PaymentFilter = ALL,
    after: Position | None = None,
    limit: int = 50,
) -> FoundPage:
    sets = [frozenset({one}) if isinstance(one, str) else one for one in clauses]
    with store.read() as work:
        return work.search.page(caller_id, sets, which, after=after, limit=limit)


def found(
    store: Store, *clauses: str | frozenset[str], caller_id: CallerId | None = SHOP, which: PaymentFilter = ALL
) -> list[str]:
    return [one.id for one in page(store, *clauses, caller_id=caller_id, which=which).positions]


class TestIndex:
    @on_one_store
    @given(data=st.data())
    def test_a_payment_is_found_by_each_of_its_terms_and_by_nobody_else(
        self, store: Store, data: st.DataObject
    ) -> None:
        payment = data.draw(random_payments.new_payments())
        for _ in range(data.draw(st.integers(0, 6))):
            random_payments.change_randomly(data.draw, payment)
        add(store, payment)
        payment_id = payment.terms.payment_id
        with store.begin() as work:
            index(work, [payment_id])
        terms = [str(term) for term in terms_of(contents_of(payment, None)) if term.is_indexed]
        assert payment_id in found(store, *terms, caller_id=payment.terms.caller_id)
        assert payment_id in found(store, *terms, caller_id=None)
        assert payment_id not in found(store, *terms, caller_id=CallerId("somebody else"))
        for term in terms:
            assert payment_id in found(store, frozenset({term, "name:nobody"}), caller_id=None)

    @on_one_store
    @given(data=st.data())
    def test_the_index_reads_what_a_search_compares(self, store: Store, data: st.DataObject) -> None:
        texts = st.fixed_dictionaries(dict.fromkeys(OF_CUSTOMER, random_payments.texts))
        known: dict[str, Any] = data.draw(texts)
        customer = replace(person(caller_id=CallerId(IDS.new("caller"))), **known)
        with store.begin() as work:
            work.customers.add(customer)
        payment = data.draw(random_payments.new_payments(customer.customer_id))
        for _ in range(data.draw(st.integers(0, 6))):
            random_payments.change_randomly(data.draw, payment)
        add(store, payment)
        with store.read() as work:
            [read] = work.search.contents([payment.terms.payment_id])
        compared = terms_of(contents_of(payment, customer))
        assert terms_of(read) == compared
        assert indexed_terms(read) == {str(term) for term in compared if term.is_indexed}

    def test_a_wallet_is_found_by_its_holder_and_by_its_account(self, store: Store) -> None:
        payment = started()
        wallet = Instrument(InstrumentKind.PAYPAL, cardholder_name="Ani", account="budi@example.com")
        succeed(payment, instrument=wallet)
        add(store, payment)
        index_all(store)
        assert found(store, "name:ani", "email:budi@example.com") == [payment.terms.payment_id]

    def test_a_payment_that_is_erased_after_it_was_read_is_not_added(self, store: Store) -> None:
        payment = started(guest=GuestContact(given_name="Budi"))
        add(store, payment)
        payment_id = payment.terms.payment_id
        with store.begin() as work:
            [read] = work.search.contents([payment_id])
            document = SearchDocument(payment_id, SHOP, payment.create_time, indexed_terms(read))
            work.payments.erase_guest(payment_id)
            assert work.search.add([document]) == 0
            assert work.search.stale(10) == [payment_id]
        assert not found(store, "name:budi")
        index_all(store)
        assert not found(store, "name:budi")
        assert found(store, f"reference:{payment.terms.reference}") == [payment_id]

    def test_a_new_payment_is_indexed_from_the_feed(self, store: Store) -> None:
        index_all(store)
        payment = started(reference="order-77")
        succeed(payment)
        add(store, payment)
        assert not found(store, "reference_part:77x")
        index_all(store)
        assert found(store, "reference:order-77", "last_four:1111") == [payment.terms.payment_id]
        assert not found(store, "reference:order-77", "last_four:0000")

    def test_payments_from_before_the_index_are_indexed_newest_first(self, store: Store) -> None:
        payments = [started(seconds=n) for n in range(5)]
        add(store, *payments)
        relayed(store)
        job = IndexPayments(store, backfill_batch=2)
        job()
        amount = f"amount:{payments[0].terms.amount.minor_units // 100}"
        newest_first = [payment.terms.payment_id for payment in reversed(payments)]
        assert found(store, amount) == newest_first[:2]
        with store.read() as work:
            progress = work.search.progress()
        assert progress is not None
        assert progress.backfill == Position(payments[3].create_time, payments[3].terms.payment_id)
        for _ in range(3):
            job()
        assert found(store, amount) == newest_first
        with store.read() as work:
            assert not work.search.has_work(TERMS_VERSION)

    def test_a_restarted_index_and_one_of_another_version_begin_again(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        index_all(store)
        with store.begin() as work:
            work.search.restart()
        with store.read() as work:
            progress = work.search.progress()
            assert progress is not None
            assert progress.backfill is not None
        index_all(store)
        with store.read() as work:
            assert not work.search.has_work(TERMS_VERSION)
            assert work.search.has_work(TERMS_VERSION + 1)

    def test_pages_are_newest_first_and_neither_skip_nor_repeat(self, store: Store) -> None:
        payments = [started(seconds=n % 3) for n in range(7)]
        add(store, *payments)
        index_all(store)
        amount = f"amount:{payments[0].terms.amount.minor_units // 100}"
        seen: list[Position] = []
        after = None
        while True:
            one = page(store, frozenset({amount, "amount:0"}), after=after, limit=2)
            seen += one.positions
            after = one.go_on_after
            if after is None:
                break
        expected = sorted(((p.create_time, p.terms.payment_id) for p in payments), reverse=True)
        assert [(one.time, one.id) for one in seen] == expected

    def test_a_page_is_filtered(self, store: Store) -> None:
        done, pending = started(seconds=1), started(seconds=2)
        succeed(done)
        add(store, done, pending)
        index_all(store)
        amount = f"amount:{done.terms.amount.minor_units // 100}"
        captured = PaymentFilter(states=frozenset({done.state}))
        assert found(store, amount, which=captured) == [done.terms.payment_id]
        late = PaymentFilter(created_from=pending.create_time)
        assert found(store, amount, which=late) == [pending.terms.payment_id]
        early = PaymentFilter(created_until=pending.create_time)
        assert found(store, amount, which=early) == [done.terms.payment_id]
        assert done.state is not PaymentState.PENDING

    def test_payments_of_very_many_callers_are_merged(self, store: Store) -> None:
        payments = [started(caller_id=CallerId(f"shop-{n:03}"), seconds=n) for n in range(120)]
        add(store, *payments)
        index_all(store)
        amount = f"amount:{payments[0].terms.amount.minor_units // 100}"
        seen: list[str] = []
        after = None
        for _ in range(20):
            one = page(store, amount, caller_id=None, after=after, limit=30)
            seen += [position.id for position in one.positions]
            after = one.go_on_after
            if after is None:
                break
        assert seen == [payment.terms.payment_id for payment in reversed(payments)]


class TestLookups:
    def test_a_new_payment_is_found_at_once_by_its_ids_and_its_reference(self, store: Store) -> None:
        payment = started(reference="Order 77")
        succeed(payment, transaction_id="t-lookup-1")
        other = started(caller_id=OTHER_SHOP, reference="Order 77")
        add(store, payment, other)
        mine, both = [payment.terms.payment_id], {payment.terms.payment_id, other.terms.payment_id}

        def look(text: str, caller_id: CallerId | None = SHOP, which: PaymentFilter = ALL) -> list[PaymentId]:
            with store.read() as work:
                return work.search.find_ids(caller_id, ["nothing", text], which, 10)

        for text in ("t-lookup-1", payment.terms.payment_id, payment.authorization.operation_id, "Order 77"):
            assert look(text) == mine
            assert look(text.upper() if text.startswith("t-") else text) == mine
        assert set(look("Order 77", None)) == both
        assert look(other.terms.payment_id) == []
        assert look("Order 77", None, PaymentFilter(states=frozenset({PaymentState.PENDING}))) == [
            other.terms.payment_id
        ]


class TestErasure:
    @pytest.mark.parametrize("of_customer", [True, False])
    def test_an_erased_payment_is_not_found_by_its_people_and_again_by_the_rest(
        self, store: Store, of_customer: bool
    ) -> None:
        customer = replace(person(), given_name="Budi")
        customer_id = customer.customer_id
        with store.begin() as work:
            work.customers.add(customer)
        payment = started(customer_id=customer_id, reference="order-88")
        add(store, payment)
        index_all(store)
        assert found(store, "name:budi") == [payment.terms.payment_id]
        with store.begin() as work:
            if of_customer:
                current = work.customers.get(customer_id, lock=True)
                assert current is not None
                work.customers.save(replace(current, given_name="", update_time=at(5).time))
                work.payments.erase_personal_data(customer_id)
            else:
                work.payments.erase_guest(payment.terms.payment_id)
        assert not found(store, "name:budi")
        assert not found(store, "reference:order-88")
        if of_customer:
            index_all(store)
            assert not found(store, "name:budi")
            assert found(store, "reference:order-88") == [payment.terms.payment_id]

    def test_the_payments_of_a_renamed_customer_are_found_by_the_new_name_only(self, store: Store) -> None:
        customer = replace(person(), given_name="Budi")
        with store.begin() as work:
            work.customers.add(customer)
        payment = started(customer_id=customer.customer_id)
        add(store, payment)
        index_all(store)
        with store.begin() as work:
            current = work.customers.get(customer.customer_id, lock=True)
            assert current is not None
            work.customers.save(replace(current, given_name="Wati", update_time=at(5).time))
        index_all(store)
        assert not found(store, "name:budi")
        assert found(store, "name:wati") == [payment.terms.payment_id]
