"""Stored methods whose answer was lost are found, or given up once their absence is proven."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.payment_methods.resolve_unknown_methods import NOT_AT_GATEWAY, ResolveUnknownMethods
from domain.customer import Customer
from domain.payment_method import PaymentMethod, PaymentMethodState, Verification
from tests.application.payment_methods.test_sync_payment_methods import MINUTE, Bank
from tests.application.shop import FIRST_CHECK, HORIZON, LEASE, MASTERCARD, SHOP, VISA, a_request_id
from tests.fakes.faulty_gateway import Fault


@pytest.fixture
def bank() -> Bank:
    return Bank()


def lost(bank: Bank, fault: Fault = Fault.LOST_AFTER, customer: Customer | None = None) -> PaymentMethod:
    bank.fails("store_method", fault)
    order = AddPaymentMethodCommand(
        request_id=a_request_id(), customer_id=(customer or bank.ada).customer_id, source=VISA, verify=True
    )
    return bank.add_method(order, SHOP)


def test_a_method_whose_answer_was_lost_is_as_good_as_one_that_was_answered(bank: Bank) -> None:
    (first,) = bank.keep(VISA)
    method = lost(bank)
    bank.vault.verify(method)
    bank.wait(FIRST_CHECK)
    assert bank.method_resolver() == 1
    found = bank.state(method)
    assert (found.state, found.gateway_token) == (PaymentMethodState.ACTIVE, method.payment_method_id)
    assert (found.update_time, found.next_check_time) == (bank.clock.now(), None)
    assert found.verification == Verification(approved=True)
    assert found.instrument is not None
    assert found.instrument.last_four == "1111"
    assert (found.is_default, found.duplicate_of) == (False, first.payment_method_id)
    assert bank.method_resolver() == 0


def test_a_lost_method_that_was_to_be_first_is_first(bank: Bank) -> None:
    (first,) = bank.keep(VISA)
    bank.fails("store_method", Fault.LOST_AFTER)
    method = bank.method(bank.ada, MASTERCARD, make_default=True)
    bank.wait(FIRST_CHECK)
    bank.method_resolver()
    assert (bank.state(first).is_default, bank.state(method).is_default) == (False, True)


def test_nothing_is_looked_for_before_it_is_due(bank: Bank) -> None:
    lost(bank)
    bank.wait(FIRST_CHECK - timedelta(seconds=1))
    assert bank.method_resolver() == 0
    assert "find_method" not in bank.calls


def test_a_missing_method_is_checked_until_its_absence_is_proven(bank: Bank) -> None:
    method = lost(bank, Fault.LOST_BEFORE)
    bank.wait(FIRST_CHECK)
    assert bank.method_resolver() == 1
    assert bank.state(method).next_check_time == bank.clock.now() + FIRST_CHECK
    bank.wait(HORIZON - FIRST_CHECK)
    bank.method_resolver()
    assert bank.state(method).state is PaymentMethodState.PENDING
    assert bank.absence.count == 1
    bank.wait(FIRST_CHECK)
    bank.method_resolver()
    failed = bank.state(method)
    assert (failed.state, failed.failure_detail) == (PaymentMethodState.FAILED, NOT_AT_GATEWAY)
    assert (failed.update_time, failed.next_check_time) == (bank.clock.now(), None)
    assert bank.absence.count == 0


def test_a_found_operation_is_not_timed_any_more(bank: Bank) -> None:
    method = lost(bank, Fault.LATE)
    bank.wait(FIRST_CHECK)
    bank.method_resolver()
    assert bank.absence.count == 1
    bank.wait(MINUTE)
    bank.method_resolver()
    assert bank.state(method).state is PaymentMethodState.ACTIVE
    assert bank.absence.count == 0


def test_one_look_without_an_answer_does_not_keep_the_others_waiting(bank: Bank) -> None:
    first, second = lost(bank), lost(bank, customer=bank.customer())
    bank.wait(FIRST_CHECK)
    bank.fails("find_method", Fault.UNREACHABLE)
    assert bank.method_resolver() == 2
    assert bank.state(second).state is PaymentMethodState.ACTIVE
    assert bank.state(first).next_check_time == bank.clock.now() + LEASE
    bank.wait(LEASE)
    assert bank.method_resolver() == 1
    assert bank.state(first).state is PaymentMethodState.ACTIVE


def test_an_operation_resolved_during_the_check_stays(bank: Bank) -> None:
    method = lost(bank)
    bank.wait(FIRST_CHECK)
    other = replace(bank.method_resolver, batch_size=1)

    def meanwhile() -> None:
        bank.wait(LEASE)
        other()

    bank.before["find_method"] = meanwhile
    bank.method_resolver()
    assert bank.state(method).state is PaymentMethodState.ACTIVE
    assert bank.state(method).update_time == bank.clock.now()
    assert bank.events() == 3


@pytest.mark.parametrize("is_there", [True, False])
def test_a_check_of_one_attempt_does_not_count_for_the_next(bank: Bank, is_there: bool) -> None:
    method = lost(bank, Fault.LOST_AFTER if is_there else Fault.LOST_BEFORE)
    bank.wait(FIRST_CHECK)

    def sent_again() -> None:
        with bank.store.begin() as work:
            current = work.payment_methods.get(method.payment_method_id, lock=True)
            assert current is not None
            later = bank.clock.now() + LEASE
            work.payment_methods.save(replace(current, update_time=bank.clock.now(), next_check_time=later))

    bank.before["find_method"] = sent_again
    bank.method_resolver()
    assert bank.state(method).state is PaymentMethodState.PENDING
    assert bank.state(method).next_check_time == bank.clock.now() + LEASE
    # The attempt that was looked for is over.
    assert bank.absence.count == 0


def test_a_few_are_claimed_at_once(bank: Bank) -> None:
    for _ in range(11):
        lost(bank, customer=bank.customer())
    bank.wait(FIRST_CHECK)
    assert bank.method_resolver() == 10
    assert bank.method_resolver() == 1


def test_a_process_that_stops_claims_nothing(bank: Bank) -> None:
    method = lost(bank)
    bank.wait(FIRST_CHECK)
    bank.is_stopping = True
    assert bank.method_resolver() == 0
    assert bank.state(method) == method
    assert bank.state(method).next_check_time == method.next_check_time
    # One that was built without anybody to ask goes on.
    assert (
        replace(
            bank.method_resolver,
            is_stopping=ResolveUnknownMethods(
                bank.store, bank.gateway, bank.clock, bank.leases, bank.absence
            ).is_stopping,
        )()
        == 1
    )


def test_a_process_that_stops_gives_back_what_it_has_not_begun(bank: Bank) -> None:
    first, second, third = (lost(bank, customer=bank.customer()) for _ in range(3))
    bank.wait(FIRST_CHECK)

    def stop() -> None:
        bank.is_stopping = True
        # Somebody else resolves one of them.
        with bank.store.begin() as work:
            current = work.payment_methods.get(third.payment_method_id, lock=True)
            assert current is not None
            work.payment_methods.save(current.fail("by hand", time=bank.clock.now()))

    bank.before["find_method"] = stop
    assert bank.method_resolver() == 1
    assert bank.state(first).state is PaymentMethodState.ACTIVE
    assert bank.state(second).next_check_time == bank.clock.now()
    assert bank.state(third).next_check_time is None
    assert bank.calls.count("find_method") == 1
