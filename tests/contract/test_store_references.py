"""Store contract: one live payment for each reference."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from application.ports.store import ReferenceTaken, Store
from domain.ids import CustomerId, OperationId, PaymentId, RequestId
from domain.money import Money
from domain.operation import FailureReason
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.contract.random_payments import IDS, at, started
from tests.contract.store_steps import OTHER_SHOP, add, at_once, change, fail, get, succeed


def own(customer_id: CustomerId, amount: Money = Money(1000, "USD")) -> Payment:  # noqa: B008
    """A payment for the order that the customer makes with a credential of their own."""
    return started("order", customer_id=customer_id, reference_space=customer_id, amount=amount)


class TestReferences:
    def test_a_live_payment_keeps_its_reference(self, store: Store) -> None:
        first, second = started("order"), started("order")
        add(store, first)
        with pytest.raises(ReferenceTaken) as refusal, store.begin() as work:
            work.payments.add(second)
        assert refusal.value.payment_id == first.terms.payment_id
        with store.read() as work:
            assert work.payments.get(second.terms.payment_id) is None

    def test_after_a_refusal_the_unit_of_work_goes_on(self, store: Store) -> None:
        first, second, third = started("order"), started("order"), started()
        add(store, first)
        with store.begin() as work:
            with pytest.raises(ReferenceTaken):
                work.payments.add(second)
            work.payments.add(third)
        assert get(store, third) == third

    def test_references_of_different_callers_do_not_clash(self, store: Store) -> None:
        add(store, started("order"), started("order", caller_id=OTHER_SHOP), started("Order"))

    def test_the_reference_is_free_once_the_payment_is_not_live(self, store: Store) -> None:
        first, second = started("order"), started("order")
        add(store, first)
        change(store, first, fail)
        add(store, second)
        assert get(store, second).is_live

    def test_the_live_payment_of_a_reference_is_found(self, store: Store) -> None:
        first, second, theirs = started("order"), started("order"), started("order", caller_id=OTHER_SHOP)

        def found(reference: str = "order") -> PaymentId | None:
            with store.read() as work:
                return work.payments.paying(first.terms.caller_id, reference)

        add(store, theirs, own(ANN))
        assert found() is None
        add(store, first)
        assert (found(), found("Order")) == (first.terms.payment_id, None)
        change(store, first, fail)
        assert found() is None
        add(store, second)
        assert found() == second.terms.payment_id

    def test_another_attempt_is_refused_after_the_reference_was_taken(self, store: Store) -> None:
        first, second, third = started("order"), started("order"), started()
        add(store, first)
        change(store, first, fail)
        add(store, second)
        with store.begin() as work:
            current = work.payments.get(first.terms.payment_id, lock=True)
            assert current is not None
            current.authorize(OperationId(IDS.new("op")), RequestId("again"), context=at(3))
            with pytest.raises(ReferenceTaken) as refusal:
                work.payments.save(current)
            work.payments.add(third)
        assert refusal.value.payment_id == second.terms.payment_id
        assert get(store, first).state is PaymentState.FAILED
        assert get(store, third) == third

    def test_a_gateway_effect_is_recorded_although_the_reference_was_taken(self, store: Store) -> None:
        first, second = started("order"), started("order")
        add(store, first)
        change(store, first, lambda p: fail(p, FailureReason.NOT_FOUND_AT_GATEWAY))
        add(store, second)
        change(store, first, succeed)
        assert get(store, first).is_live
        change(store, second, succeed)
        with pytest.raises(ReferenceTaken), store.begin() as work:
            work.payments.add(started("order"))

    def test_a_payment_becomes_live_again_while_its_reference_is_free(self, store: Store) -> None:
        payment = started("order")
        add(store, payment)
        change(store, payment, fail)
        change(store, payment, lambda p: p.authorize(OperationId(IDS.new("op")), RequestId("again"), context=at(3)))
        assert get(store, payment).is_live
        with pytest.raises(ReferenceTaken), store.begin() as work:
            work.payments.add(started("order"))

    def test_one_of_twenty_concurrent_payments_gets_the_reference(self, store: Store) -> None:
        def race(_thread: int) -> PaymentId | ReferenceTaken:
            payment = started("order")
            try:
                add(store, payment)
            except ReferenceTaken as taken:
                return taken
            return payment.terms.payment_id

        outcomes = at_once(20, race)
        winners = [outcome for outcome in outcomes if isinstance(outcome, str)]
        assert len(winners) == 1
        assert {taken.payment_id for taken in outcomes if isinstance(taken, ReferenceTaken)} == set(winners)

    def test_a_claimed_transaction_is_claimed_again_only_after_the_commit(self, store: Store) -> None:
        first, second = started("order 1"), started("order 2")
        add(store, first, second)
        transaction_id = IDS.new("tx")

        def recorded_for() -> list[PaymentId]:
            with store.begin() as work:
                work.payments.get(second.terms.payment_id, lock=True)
                work.payments.claim_transaction(transaction_id)
                return [one.payment.terms.payment_id for one in work.payments.find_operations([], [transaction_id])]

        with ThreadPoolExecutor(1) as pool:
            with store.begin() as work:
                payment = work.payments.get(first.terms.payment_id, lock=True)
                assert payment is not None
                work.payments.claim_transaction(transaction_id)
                other = pool.submit(recorded_for)
                with pytest.raises(TimeoutError):
                    other.result(timeout=0.3)
                succeed(payment, transaction_id=transaction_id)
                work.payments.save(payment)
            assert other.result(timeout=10) == [first.terms.payment_id]


ANN, EVE = CustomerId("cus_ann"), CustomerId("cus_eve")


class TestReferencesOfCustomers:
    def test_each_customer_has_its_own_references(self, store: Store) -> None:
        add(store, started("order"), own(ANN), own(EVE))
        for customer_id in (ANN, EVE):
            with pytest.raises(ReferenceTaken), store.begin() as work:
                work.payments.add(own(customer_id))

    def test_a_customers_payment_reads_back_with_its_reference_scope(self, store: Store) -> None:
        payment = own(ANN)
        add(store, payment)
        assert get(store, payment) == payment
        assert get(store, payment).terms.reference_space == ANN

    def test_a_customers_reference_is_free_once_the_payment_is_not_live(self, store: Store) -> None:
        first, second = own(ANN), own(ANN)
        add(store, first)
        change(store, first, fail)
        add(store, second)
        with pytest.raises(ReferenceTaken) as refusal, store.begin() as work:
            work.payments.add(own(ANN))
        assert refusal.value.payment_id == second.terms.payment_id

    def test_another_attempt_of_a_customer_is_refused_after_the_reference_was_taken(self, store: Store) -> None:
        first, second = own(ANN), own(ANN)
        add(store, first)
        change(store, first, fail)
        add(store, second)
        with store.begin() as work:
            current = work.payments.get(first.terms.payment_id, lock=True)
            assert current is not None
            current.authorize(OperationId(IDS.new("op")), RequestId("again"), context=at(3))
            with pytest.raises(ReferenceTaken):
                work.payments.save(current)

    def test_a_gateway_effect_for_a_customer_is_recorded_although_the_reference_was_taken(self, store: Store) -> None:
        first, second = own(ANN), own(ANN)
        add(store, first)
        change(store, first, lambda p: fail(p, FailureReason.NOT_FOUND_AT_GATEWAY))
        add(store, second)
        change(store, first, succeed)
        assert get(store, first).state is PaymentState.CAPTURED
        change(store, second, succeed)
        with pytest.raises(ReferenceTaken), store.begin() as work:
            work.payments.add(own(ANN))

    def test_a_back_end_payment_for_a_customer_blocks_the_customers_own(self, store: Store) -> None:
        first = started("order", customer_id=ANN)
        add(store, first)
        with pytest.raises(ReferenceTaken) as refusal, store.begin() as work:
            work.payments.add(own(ANN, Money(1, "USD")))
        assert refusal.value.payment_id == first.terms.payment_id
        add(store, own(EVE))

    @pytest.mark.parametrize("end", [None, succeed])
    @pytest.mark.parametrize(("minor_units", "is_whole"), [(999, False), (1000, True), (1001, True)])
    def test_a_customers_own_payment_blocks_the_back_ends_with_the_full_amount(
        self, minor_units: int, is_whole: bool, end: Callable[[Payment], None] | None, store: Store
    ) -> None:
        first = own(ANN, Money(minor_units, "USD"))
        add(store, first)
        if end is not None:
            change(store, first, end)
        second = started("order", customer_id=ANN)
        if not is_whole:
            add(store, second)
            return
        with pytest.raises(ReferenceTaken) as refusal, store.begin() as work:
            work.payments.add(second)
        assert refusal.value.payment_id == first.terms.payment_id
