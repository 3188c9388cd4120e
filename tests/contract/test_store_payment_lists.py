"""Store contract: pages, filters and exports of payments."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from adapters.persistence.store import SqlStore
from application.common.pagination import Position
from application.ports.payment_filter import PaymentFilter
from application.ports.store import Store
from domain.dispute import DisputeState
from domain.ids import CallerId, CustomerId
from domain.money import Money
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.contract import random_payments
from tests.contract.random_payments import IDS, SHOP, at, started
from tests.contract.store_steps import OTHER_SHOP, add, change, fail, on_one_store, succeed
from tests.contract.test_store_disputes import a_dispute

OPEN, WON = DisputeState.OPEN, DisputeState.WON


def _told(which: PaymentFilter) -> str:
    """A filter's conditions, as the name of a test."""
    asked = {one.name: getattr(which, one.name) for one in fields(which)}
    asked["states"] = sorted(state.value for state in which.states)
    return ",".join(f"{name}={value}" for name, value in asked.items() if value) or "any"


def names(payments: list[Payment]) -> str:
    return " ".join(payment.terms.reference for payment in payments)


class TestPages:
    @on_one_store
    @given(data=st.data())
    def test_pages_neither_skip_nor_repeat_while_payments_arrive(self, store: Store, data: st.DataObject) -> None:
        caller_id = CallerId(IDS.new("caller"))
        # Few moments for many payments: the id has to decide.
        moments = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=9))
        there = [started(caller_id=caller_id, seconds=moment) for moment in moments]
        add(store, *there)
        expected = sorted(there, key=lambda p: (p.create_time, p.terms.payment_id), reverse=True)

        seen: list[Payment] = []
        after = None
        while True:
            limit = data.draw(st.integers(1, 4))
            with store.read() as work:
                page = work.payments.page(caller_id, PaymentFilter(), after=after, limit=limit)
            assert len(page.payments) <= limit
            seen += page.payments
            after = page.go_on_after
            if after is None:
                break
            if data.draw(st.booleans()):
                add(store, started(caller_id=caller_id, seconds=2 + len(seen)))
        before = {payment.terms.payment_id for payment in there}
        assert [payment for payment in seen if payment.terms.payment_id in before] == expected
        assert len({payment.terms.payment_id for payment in seen}) == len(seen)

    def test_a_page_has_whole_payments_of_the_caller_only(self, store: Store) -> None:
        mine, other = started("mine"), started("other", caller_id=OTHER_SHOP, seconds=1)
        add(store, mine, other)
        mine = change(store, mine, succeed)
        with store.read() as work:
            page = work.payments.page(SHOP, PaymentFilter(), after=None, limit=10).payments
            assert [random_payments.all_fields(payment) for payment in page] == [random_payments.all_fields(mine)]
            assert names(work.payments.page(None, PaymentFilter(), after=None, limit=10).payments) == "other mine"

    @pytest.mark.parametrize(
        "which",
        [
            PaymentFilter(reference="order"),
            PaymentFilter(states=frozenset({PaymentState.PENDING})),
            PaymentFilter(states=frozenset({PaymentState.PENDING, PaymentState.CAPTURED}), reference="order"),
            PaymentFilter(currency_code="USD"),
        ],
    )
    def test_a_filtered_list_of_every_caller_is_in_order(self, store: Store, which: PaymentFilter) -> None:
        callers = [CallerId(f"shop{number}") for number in range(3)]
        payments = [started("order", caller_id=caller_id, seconds=number) for number, caller_id in enumerate(callers)]
        add(store, *payments)
        seen: list[Payment] = []
        after = None
        with store.read() as work:
            while True:
                page = work.payments.page(None, which, after=after, limit=1)
                seen += page.payments
                after = page.go_on_after
                if after is None:
                    break
        assert [one.terms.payment_id for one in seen] == [one.terms.payment_id for one in reversed(payments)]

    def test_an_export_goes_through_all_callers_from_the_oldest_to_the_newest(self, store: Store) -> None:
        payments = [started(seconds=n // 2, caller_id=SHOP if n % 2 else OTHER_SHOP) for n in range(8)]
        add(store, *payments)
        expected = sorted(payments[2:6], key=lambda p: (p.create_time, p.terms.payment_id))
        seen: list[Payment] = []
        after = None
        with store.read() as work:
            while page := work.payments.oldest_first(at(1).time, at(3).time, after=after, limit=3):
                seen += page
                after = Position(page[-1].create_time, page[-1].terms.payment_id)
        assert [random_payments.all_fields(one) for one in seen] == [
            random_payments.all_fields(one) for one in expected
        ]

    @pytest.mark.parametrize(
        ("which", "expected"),
        [
            (PaymentFilter(), "d c_1 c%1 b-ÄSS a"),
            (PaymentFilter(customer_id=CustomerId("cus_1")), "c_1 a"),
            (PaymentFilter(customer_id=CustomerId("cus_2")), ""),
            (PaymentFilter(reference="c_1"), "c_1"),
            (PaymentFilter(reference="C_1"), ""),
            (PaymentFilter(reference_contains="_"), "c_1"),
            (PaymentFilter(reference_contains="%"), "c%1"),
            (PaymentFilter(reference_contains="C"), "c_1 c%1"),
            (PaymentFilter(reference_contains="/"), ""),
            (PaymentFilter(reference_contains="-äß"), "b-ÄSS"),
            (PaymentFilter(states=frozenset({PaymentState.CAPTURED})), "b-ÄSS"),
            (PaymentFilter(states=frozenset({PaymentState.CAPTURED, PaymentState.FAILED})), "b-ÄSS a"),
            (PaymentFilter(states=frozenset({PaymentState.EXPIRED})), ""),
            (PaymentFilter(created_from=at(20).time), "d c_1 c%1"),
            (PaymentFilter(created_from=at(20.000001).time), "d c_1"),
            (PaymentFilter(created_until=at(20).time), "b-ÄSS a"),
            (PaymentFilter(created_until=at(20.000001).time), "c%1 b-ÄSS a"),
            (PaymentFilter(currency_code="JPY"), "d"),
            (PaymentFilter(min_minor_units=300), "d c_1 c%1"),
            (PaymentFilter(max_minor_units=300), "c%1 b-ÄSS a"),
            (PaymentFilter(min_minor_units=200, max_minor_units=300), "c%1 b-ÄSS"),
            (PaymentFilter(brand="visa"), "b-ÄSS"),
            (PaymentFilter(brand="mastercard"), ""),
            (PaymentFilter(last_four="1111"), "b-ÄSS"),
            (PaymentFilter(last_four="0000"), ""),
            (PaymentFilter(customer_id=CustomerId("cus_1"), min_minor_units=400), "c_1"),
        ],
        ids=lambda value: "" if isinstance(value, str) else _told(value),
    )
    def test_every_filter_finds_what_it_says(self, store: Store, which: PaymentFilter, expected: str) -> None:
        failed = started("a", amount=Money(100, "USD"), customer_id=CustomerId("cus_1"))
        captured = started("b-ÄSS", seconds=10, amount=Money(200, "USD"))
        add(
            store,
            failed,
            captured,
            started("c%1", seconds=20, amount=Money(300, "USD")),
            started("c_1", seconds=30, amount=Money(400, "USD"), customer_id=CustomerId("cus_1")),
            started("d", seconds=40, amount=Money(500, "JPY")),
            started("other", caller_id=OTHER_SHOP, customer_id=CustomerId("cus_1")),
        )
        change(store, failed, fail)
        change(store, captured, succeed)
        with store.read() as work:
            whole = work.payments.page(SHOP, which, after=None, limit=10)
            assert (names(whole.payments), whole.go_on_after) == (expected, None)
            first = work.payments.page(SHOP, which, after=None, limit=1)
            assert names(first.payments) == expected[: len(names(first.payments))]
            assert (first.go_on_after is not None) == (len(whole.payments) > 1)
            if first.go_on_after:
                rest = work.payments.page(SHOP, which, after=first.go_on_after, limit=10)
                assert names(first.payments + rest.payments) == expected


class TestDisputes:
    def _payments(self, store: Store) -> list[Payment]:
        """Six payments, oldest first: with no dispute, an open one, a won one, an open and a won one, two of another
        shop.
        """
        payments = [started(seconds=number) for number in range(4)]
        payments += [started(seconds=number, caller_id=OTHER_SHOP) for number in range(4, 6)]
        add(store, *payments)
        for number, state in ((1, OPEN), (2, WON), (3, OPEN), (3, WON), (5, OPEN)):
            payment = payments[number]
            dispute = a_dispute(store, payment, second=20 + number, caller_id=payment.terms.caller_id)
            if state is not OPEN:
                decided = replace(dispute.report, state=state, change_time=at(90).time)
                with store.begin() as work:
                    assert work.disputes.get(dispute.dispute_id, lock=True) is not None
                    work.disputes.save(replace(dispute, report=decided, update_time=at(90).time))
        return payments

    @pytest.mark.parametrize(
        ("caller_id", "which", "numbers"),
        [
            (SHOP, PaymentFilter(is_disputed=True), [3, 2, 1]),
            (None, PaymentFilter(is_disputed=True), [5, 3, 2, 1]),
            (SHOP, PaymentFilter(is_disputed=False), [0]),
            (SHOP, PaymentFilter(dispute_states=frozenset({OPEN})), [3, 1]),
            (None, PaymentFilter(dispute_states=frozenset({OPEN})), [5, 3, 1]),
            (SHOP, PaymentFilter(dispute_states=frozenset({OPEN, WON})), [3, 2, 1]),
            (SHOP, PaymentFilter(dispute_states=frozenset({WON}), currency_code="IDR"), []),
            (SHOP, PaymentFilter(is_disputed=True, created_until=at(3).time), [2, 1]),
            (SHOP, PaymentFilter(is_disputed=True, created_from=at(2).time, currency_code="USD"), [3, 2]),
        ],
    )
    @pytest.mark.parametrize("limit", [1, 2, 50])
    def test_payments_are_found_by_their_disputes_each_once(
        self, store: Store, caller_id: CallerId | None, which: PaymentFilter, numbers: list[int], limit: int
    ) -> None:
        payments = self._payments(store)
        found, after = [], None
        while True:
            with store.read() as work:
                page = work.payments.page(caller_id, which, after=after, limit=limit)
            found += page.payments
            after = page.go_on_after
            if after is None:
                break
        ids = [payment.terms.payment_id for payment in found]
        assert ids == [payments[number].terms.payment_id for number in numbers]

    def test_a_dispute_that_another_version_added_is_found_before_and_after_it_is_booked(self, store: Store) -> None:
        payments = self._payments(store)
        if not isinstance(store, SqlStore):
            return
        with store.begin() as work:
            work.movements.connection.execute(text("UPDATE disputes SET payment_time = NULL, booked_time = NULL"))  # type: ignore[attr-defined]
        which = PaymentFilter(dispute_states=frozenset({OPEN}))
        for is_booked in (False, True):
            if is_booked:
                with store.begin() as work:
                    work.movements.book(100)
            with store.read() as work:
                page = work.payments.page(SHOP, which, after=None, limit=50)
            assert [one.terms.payment_id for one in page.payments] == [
                payments[3].terms.payment_id,
                payments[1].terms.payment_id,
            ]

    def test_payments_are_found_by_the_place_of_their_money(self, store: Store) -> None:
        held, failed, other = started(seconds=1), started(seconds=2), started(seconds=3, caller_id=OTHER_SHOP)
        fail(failed)
        add(store, held, failed, other)
        for caller_id, funds, expected in (
            (SHOP, {held.funds}, [held]),
            (None, {held.funds}, [other, held]),
            (SHOP, {held.funds, failed.funds}, [failed, held]),
            (SHOP, {Funds.DISBURSED}, []),
        ):
            with store.read() as work:
                page = work.payments.page(caller_id, PaymentFilter(funds=frozenset(funds)), after=None, limit=9)
            assert page.payments == expected
