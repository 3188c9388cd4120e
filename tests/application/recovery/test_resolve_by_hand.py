"""Resolution by hand: conditions, records, and idempotency."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from application.common.errors import (
    ContradictedByGateway,
    InvalidRequest,
    MayStillHappen,
    NotFound,
    OperationAlreadyResolved,
    RequestIdReused,
    ResourceKind,
    Rule,
)
from application.common.pagination import PageTokens
from application.payments.payment_access import lock_payment
from application.recovery.list_unresolved_operations import ListUnresolvedOperations
from application.recovery.resolve_operation import Resolution, ResolveOperationCommand
from domain.events import DifferenceRepaired, PaymentEvent
from domain.money import Money
from domain.operation import FailureReason, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.recovery.test_resolve_operation import a_lost_payment, resolve
from tests.application.shop import HORIZON, LEASE, SHOP, Shop, a_request_id
from tests.fakes.faulty_gateway import Fault

OVER = LEASE + HORIZON
SECOND = timedelta(seconds=1)
UNKNOWN = "op_00000000000000000000000999"


def order(**changes: Any) -> ResolveOperationCommand:
    return ResolveOperationCommand(**{"request_id": a_request_id(), "operation_id": UNKNOWN, **changes})


def settle(shop: Shop, asked: ResolveOperationCommand) -> Payment:
    return shop.resolve_operation(asked, SHOP)


def history(shop: Shop, payment: Payment) -> list[PaymentEvent]:
    with shop.store.read() as work:
        return [entry.event for entry in work.payments.history(payment.terms.payment_id)]


# Requests


@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        (
            order(request_id="no uuid", operation_id="no id", resolution=None),
            [("request_id", Rule.UUID), ("operation_id", Rule.ID), ("resolution", Rule.KNOWN_VALUE)],
        ),
        (order(operation_id=""), [("operation_id", Rule.REQUIRED)]),
        (order(resolution=Resolution.FAILED), [("reason", Rule.REQUIRED)]),
        (
            order(resolution=Resolution.SUCCEEDED),
            [("reason", Rule.REQUIRED), ("gateway_transaction_id", Rule.REQUIRED)],
        ),
        (
            order(reason="4111111111111111", gateway_transaction_id="4111111111111111"),
            [("reason", Rule.NO_CARD_DATA), ("gateway_transaction_id", Rule.NO_CARD_DATA)],
        ),
    ],
)
def test_every_violation_in_a_resolution_is_named(
    asked: ResolveOperationCommand, faults: list[tuple[str, Rule]]
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        settle(Shop(), asked)
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == faults


def test_to_check_now_needs_no_reason() -> None:
    with pytest.raises(NotFound) as refusal:
        settle(Shop(), order())
    assert (refusal.value.kind, refusal.value.resource_id) == (ResourceKind.OPERATION, UNKNOWN)


def test_the_same_request_for_something_else_is_refused() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    request_id = a_request_id()
    resolve(shop, payment, Resolution.CHECK_NOW, request_id=request_id)
    other = a_lost_payment(shop, Fault.LOST_AFTER)
    with pytest.raises(RequestIdReused) as refusal:
        resolve(shop, other, Resolution.FAILED, "bt9", request_id=request_id, reason="another")
    assert set(refusal.value.fields) == {"operation_id", "resolution", "gateway_transaction_id", "reason"}


@pytest.mark.parametrize("resolution", Resolution)
def test_a_repeat_is_answered_and_asks_the_gateway_nothing(resolution: Resolution) -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE if resolution is Resolution.FAILED else Fault.LOST_AFTER)
    shop.wait(OVER)
    named = "bt1" if resolution is Resolution.SUCCEEDED else ""
    request_id = a_request_id()
    first = resolve(shop, payment, resolution, named, request_id=request_id)
    assert not first.operations[-1].state.is_open
    asked = len(shop.calls)
    assert resolve(shop, payment, resolution, named, request_id=request_id) == first
    assert len(shop.calls) == asked
    with pytest.raises(OperationAlreadyResolved) as refusal:
        resolve(shop, payment, resolution, named)
    assert refusal.value.state is first.operations[-1].state


@pytest.mark.parametrize("resolution", [Resolution.FAILED, Resolution.SUCCEEDED])
def test_a_scheduled_operation_can_only_be_checked(resolution: Resolution) -> None:
    shop = Shop()
    payment = shop.refund(shop.pay(), 30_00)
    with pytest.raises(OperationAlreadyResolved) as refusal:
        resolve(shop, payment, resolution, "bt1")
    assert (refusal.value.operation_id, refusal.value.state) == (
        payment.operations[-1].operation_id,
        OperationState.SCHEDULED,
    )
    assert resolve(shop, payment, Resolution.CHECK_NOW).operations[-1].state is OperationState.SCHEDULED


# Records


def test_a_failure_by_hand_shows_its_reason() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    shop.wait(OVER)
    resolve(shop, payment, Resolution.FAILED, reason="asked on the phone")
    operation = shop.now(payment).operations[-1]
    assert (operation.failure_reason, operation.failure_detail) == (
        FailureReason.CLOSED_BY_ADMINISTRATOR,
        "asked on the phone",
    )


def test_a_success_by_hand_shows_its_reason() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    resolve(shop, payment, Resolution.SUCCEEDED, "bt1", reason="asked on the phone")
    (told,) = [event for event in history(shop, payment) if isinstance(event, DifferenceRepaired)]
    assert (told.operation_id, told.difference, told.recorded, told.at_gateway) == (
        payment.authorization.operation_id,
        "outcome",
        "unknown",
        "asked on the phone",
    )
    assert told.context.actor == SHOP.actor
    assert shop.now(payment).authorization.transaction_id == "bt1"


@pytest.mark.parametrize("resolution", [Resolution.FAILED, Resolution.SUCCEEDED])
def test_a_concurrently_resolved_operation_stays(resolution: Resolution) -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    by_hand = shop.real_gateway.add_external_sale("by hand", Money(100_00, "USD")).transaction_id
    shop.wait(OVER)

    def close() -> None:
        resolve(shop, payment, Resolution.FAILED, reason="by somebody else")

    shop.before["find_by_operation"] = close
    with pytest.raises(OperationAlreadyResolved) as refusal:
        resolve(shop, payment, resolution, by_hand)
    assert refusal.value.state is OperationState.FAILED
    assert shop.now(payment).operations[-1].failure_detail == "by somebody else"


def test_the_gateways_own_transaction_is_named_where_another_one_was() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    by_hand = shop.real_gateway.add_external_sale("by hand", Money(100_00, "USD")).transaction_id
    shop.wait(OVER)
    with pytest.raises(ContradictedByGateway) as refusal:
        resolve(shop, payment, Resolution.SUCCEEDED, by_hand)
    assert refusal.value.operation_id == payment.authorization.operation_id
    assert refusal.value.detail == "the gateway knows of it as bt1: ask with CHECK_NOW to record that"


def test_a_refused_change_is_not_reported_as_a_success() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    shop.real_gateway.leave_authorizing("bt1")
    by_hand = shop.real_gateway.add_external_sale("by hand", Money(100_00, "USD")).transaction_id
    shop.wait(OVER)
    with pytest.raises(ContradictedByGateway) as refusal:
        resolve(shop, payment, Resolution.SUCCEEDED, by_hand)
    assert refusal.value.detail == "the gateway knows of it: ask with CHECK_NOW to record that"


# When it may be settled


def plan_a_look(shop: Shop, payment: Payment, after: timedelta, *, checked: bool = False) -> None:
    with shop.store.begin() as work:
        current = lock_payment(work, payment.terms.payment_id)
        current.schedule_check(payment.operations[-1].operation_id, shop.clock.now() + after, checked=checked)
        work.payments.save(current)


def retry_after(shop: Shop, payment: Payment) -> timedelta:
    with pytest.raises(MayStillHappen) as refusal:
        resolve(shop, payment, Resolution.FAILED)
    assert refusal.value.operation_id == payment.operations[-1].operation_id
    return refusal.value.retry_after


def test_nothing_is_closed_within_a_lease_and_a_horizon_of_the_last_event() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    assert retry_after(shop, payment) == OVER
    shop.wait(OVER - SECOND)
    assert retry_after(shop, payment) == SECOND
    shop.wait(SECOND)
    assert resolve(shop, payment, Resolution.FAILED).state is PaymentState.FAILED


def test_a_lease_that_was_renewed_counts_from_its_end() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    shop.wait(OVER)
    plan_a_look(shop, payment, LEASE - SECOND)
    assert retry_after(shop, payment) == OVER - SECOND


def test_a_check_planned_too_far_ahead_delays_no_operation_longer_than_a_lease() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    shop.wait(OVER)
    plan_a_look(shop, payment, timedelta(days=365))
    assert retry_after(shop, payment) == OVER


def test_the_next_check_of_a_resolver_is_no_lease() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    shop.wait(OVER)
    plan_a_look(shop, payment, LEASE, checked=True)
    assert resolve(shop, payment, Resolution.FAILED).state is PaymentState.FAILED


# Unresolved operations


def test_unresolved_operations_are_listed_up_to_a_time_in_pages() -> None:
    shop = Shop()
    lost = []
    for _ in range(3):
        lost.append(a_lost_payment(shop, Fault.LOST_BEFORE))
        shop.clock.advance(SECOND)
    unresolved = ListUnresolvedOperations(shop.store, PageTokens(b"key"))
    early = unresolved(lost[2].create_time)
    assert [one.payment.terms.payment_id for one in early[0]] == [one.terms.payment_id for one in lost[:2]]
    assert early[1] == ""
    page, token = unresolved(None, page_size=2)
    assert len(page) == 2
    with pytest.raises(InvalidRequest) as refusal:
        unresolved(lost[2].create_time, page_token=token, page_size=-1)
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == [
        ("page_size", Rule.NOT_NEGATIVE),
        ("page_token", Rule.PAGE_TOKEN),
    ]
    assert unresolved(None, page_size=3)[1] == ""
