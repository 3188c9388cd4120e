"""What every gateway adapter promises to the use cases. One suite for all of them."""

from __future__ import annotations

import itertools
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.order_ids import OrderIds
from adapters.braintree.settings import BraintreeSettings
from application.common.lease import Lease
from application.ports.gateway import (
    Approved,
    Authorization,
    Capture,
    CustomerRefused,
    CustomerUnknown,
    Declined,
    Gateway,
    GatewayNotReached,
    MethodChange,
    NewMethod,
    Nonce,
    NotStored,
    Outcome,
    Refund,
    RefusalCause,
    Rejected,
    Source,
    Stored,
    StoredInstrument,
    StoredMethod,
    StoreOutcome,
    Transaction,
    TransactionKind,
    Void,
)
from braintree_twin.testing import start_twin
from domain.address import Address
from domain.customer import Customer
from domain.decline import DeclineReason
from domain.ids import CallerId, CustomerId, OperationId, PaymentMethodId
from domain.instrument import Card, CardExpiry, InstrumentKind
from domain.money import Money
from domain.transaction import TransactionStatus
from domain.warning import MerchantWarning, WarningReason
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.runtime import HELD, OVER, START, ManualClock

VISA = Card("4111111111111111", CardExpiry(2035, 12), "123", "Ada Lovelace")
DECLINED_CARD = Card("4000111111111115", CardExpiry(2035, 12), "123")


@dataclass(frozen=True)
class Bench:
    """A gateway to try, and how to let its transactions settle."""

    gateway: Gateway
    settle: Callable[[str], None]


def in_memory() -> Iterator[Bench]:
    gateway = MemoryGateway(ManualClock())
    yield Bench(gateway, gateway.settle)


def at_the_twin() -> Iterator[Bench]:
    """The real adapter and the real SDK, over TLS, against the twin in a process of its own."""
    with tempfile.TemporaryDirectory() as directory, start_twin(Path(directory)) as twin:
        settings = BraintreeSettings(
            environment="twin",
            merchant_id=twin.merchant_id,
            public_key=twin.public_key,
            private_key=twin.private_key,
            merchant_accounts={"USD": "twin_usd_no_duplicate_check"},
            url=twin.url,
            ca_file=str(twin.ca_file),
        )
        gateway = BraintreeAdapter(settings, OrderIds(lambda: "k7m2q9xw3f"))

        def settle(_: str) -> None:
            twin.control.settle()

        yield Bench(gateway, settle)
        gateway.close()


BENCHES: dict[str, Callable[[], Iterator[Bench]]] = {"memory": in_memory, "twin": at_the_twin}


@pytest.fixture(params=BENCHES, scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from BENCHES[request.param]()


_numbers = itertools.count(int(uuid.uuid4()) % 10**20)


GIVEN_UP = OperationId(f"op_{0:026d}")


def an_id(prefix: str) -> str:
    return f"{prefix}_{next(_numbers):026d}"


def an_operation_id() -> OperationId:
    return OperationId(an_id("op"))


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def a_customer() -> Customer:
    return Customer(
        customer_id=CustomerId(an_id("cus")),
        caller_id=CallerId("shop"),
        create_time=START,
        update_time=START,
        given_name="Ada",
        email="ada@example.com",
    )


def approved(outcome: Outcome) -> Transaction:
    assert isinstance(outcome, Approved), outcome
    return outcome.transaction


def stored(outcome: StoreOutcome) -> StoredInstrument:
    assert isinstance(outcome, Stored), outcome
    return outcome.method


def authorize(
    gateway: Gateway,
    amount: int = 10_00,
    *,
    captures: bool = False,
    source: Source = VISA,
    operation_id: OperationId | None = None,
    lease: Lease = HELD,
) -> Outcome:
    return gateway.authorize(
        Authorization(
            operation_id=operation_id or an_operation_id(), amount=usd(amount), source=source, captures=captures
        ),
        lease,
    )


def capture(gateway: Gateway, sale: Transaction, amount: int, *, in_part: bool) -> Outcome:
    return gateway.capture(
        Capture(
            operation_id=an_operation_id(), transaction_id=sale.transaction_id, amount=usd(amount), in_part=in_part
        ),
        HELD,
    )


def refund(gateway: Gateway, sale: Transaction, amount: int, operation_id: OperationId | None = None) -> Outcome:
    return gateway.refund(
        Refund(operation_id=operation_id or an_operation_id(), transaction_id=sale.transaction_id, amount=usd(amount)),
        HELD,
    )


def void(gateway: Gateway, sale: Transaction) -> Outcome:
    return gateway.void(Void(operation_id=an_operation_id(), transaction_id=sale.transaction_id), HELD)


def status_of(gateway: Gateway, transaction: Transaction) -> TransactionStatus:
    found = gateway.find_transaction(transaction.transaction_id)
    assert found is not None
    return found.standing.status


def a_settled_sale(bench: Bench, amount: int = 10_00) -> Transaction:
    sale = approved(authorize(bench.gateway, amount, captures=True))
    bench.settle(sale.transaction_id)
    return sale


# The lease


@pytest.mark.parametrize(
    "change",
    [
        lambda gateway: authorize(gateway, operation_id=GIVEN_UP, lease=OVER),
        lambda gateway: gateway.store_method(
            NewMethod(payment_method_id=PaymentMethodId("pm_x"), customer_id=CustomerId("cus_x"), source=VISA), OVER
        ),
        lambda gateway: gateway.ensure_customer(a_customer(), OVER),
        lambda gateway: gateway.delete_method("pm_x", OVER),
        lambda gateway: gateway.accept_dispute("dispute", OVER),
    ],
    ids=["authorize", "store a method", "ensure a customer", "delete a method", "accept a dispute"],
)
def test_nothing_is_changed_once_the_lease_is_over(bench: Bench, change: Callable[[Gateway], object]) -> None:
    with pytest.raises(GatewayNotReached):
        change(bench.gateway)
    assert bench.gateway.find_by_operation(GIVEN_UP) == []


# Authorizing


def test_an_authorization_holds_the_amount_and_shows_what_paid(bench: Bench) -> None:
    operation_id = an_operation_id()
    sale = approved(authorize(bench.gateway, 10_50, operation_id=operation_id))
    assert (sale.kind, sale.amount, sale.order_id) == (TransactionKind.SALE, usd(10_50), operation_id)
    assert sale.standing.status is TransactionStatus.AUTHORIZED
    assert sale.instrument is not None
    assert (sale.instrument.kind, sale.instrument.last_four) == (InstrumentKind.CARD, "1111")
    assert sale.instrument.expiry == CardExpiry(2035, 12)


def test_one_that_captures_at_once_is_submitted(bench: Bench) -> None:
    assert approved(authorize(bench.gateway, captures=True)).standing.status is TransactionStatus.SUBMITTED


@pytest.mark.parametrize(
    ("amount", "reason"),
    [(2001_00, DeclineReason.INSUFFICIENT_FUNDS), (2004_00, DeclineReason.CARD_EXPIRED),
     (3000_00, DeclineReason.NETWORK_UNAVAILABLE)],
)  # fmt: skip
def test_a_decline_is_an_answer_with_a_reason_and_is_found_again(
    bench: Bench, amount: int, reason: DeclineReason
) -> None:
    operation_id = an_operation_id()
    outcome = authorize(bench.gateway, amount, operation_id=operation_id)
    assert isinstance(outcome, Declined)
    assert outcome.decline.reason is reason
    (found,) = bench.gateway.find_by_operation(operation_id)
    assert found.decline == outcome.decline
    assert not found.standing.status.is_open


def test_a_nonce_pays(bench: Bench) -> None:
    assert approved(authorize(bench.gateway, source=Nonce("fake-valid-nonce"))).instrument is not None


def test_a_nonce_that_was_used_is_declined(bench: Bench) -> None:
    assert isinstance(authorize(bench.gateway, source=Nonce("fake-consumed-nonce")), Declined)


def test_an_unknown_method_does_not_pay(bench: Bench) -> None:
    outcome = authorize(bench.gateway, source=StoredMethod(an_id("pm")))
    assert isinstance(outcome, Declined | Rejected)


# Capturing


def test_a_whole_capture_submits_the_same_transaction(bench: Bench) -> None:
    sale = approved(authorize(bench.gateway))
    captured = approved(capture(bench.gateway, sale, 8_00, in_part=False))
    assert captured.transaction_id == sale.transaction_id
    assert (captured.amount, captured.standing.status) == (usd(8_00), TransactionStatus.SUBMITTED)


def test_a_partial_capture_is_a_transaction_of_its_own(bench: Bench) -> None:
    sale = approved(authorize(bench.gateway))
    part = approved(capture(bench.gateway, sale, 4_00, in_part=True))
    assert part.transaction_id != sale.transaction_id
    assert (part.amount, part.authorized_transaction_id) == (usd(4_00), sale.transaction_id)
    assert [t.transaction_id for t in bench.gateway.find_by_operation(OperationId(part.order_id))] == [
        part.transaction_id
    ]
    assert status_of(bench.gateway, sale) is TransactionStatus.PARTIALLY_CAPTURED
    approved(capture(bench.gateway, sale, 6_00, in_part=True))
    assert isinstance(capture(bench.gateway, sale, 1, in_part=True), Rejected)


def test_more_than_was_authorized_is_not_captured(bench: Bench) -> None:
    sale = approved(authorize(bench.gateway))
    for in_part in (False, True):
        assert isinstance(capture(bench.gateway, sale, 10_01, in_part=in_part), Rejected)
    assert status_of(bench.gateway, sale) is TransactionStatus.AUTHORIZED


def test_a_second_capture_of_a_captured_sale_is_refused(bench: Bench) -> None:
    sale = approved(authorize(bench.gateway, captures=True))
    assert isinstance(capture(bench.gateway, sale, 10_00, in_part=False), Rejected)


# Voiding


@pytest.mark.parametrize("captures", [False, True])
def test_a_void_cancels_an_unsettled_sale(bench: Bench, captures: bool) -> None:
    sale = approved(authorize(bench.gateway, captures=captures))
    voided = approved(void(bench.gateway, sale))
    assert (voided.transaction_id, voided.standing.status) == (sale.transaction_id, TransactionStatus.VOIDED)
    assert isinstance(void(bench.gateway, sale), Rejected)


def test_a_settled_sale_is_not_voided(bench: Bench) -> None:
    assert isinstance(void(bench.gateway, a_settled_sale(bench)), Rejected)


def test_a_void_after_a_partial_capture_releases_the_rest_and_keeps_the_part(bench: Bench) -> None:
    sale = approved(authorize(bench.gateway))
    part = approved(capture(bench.gateway, sale, 4_00, in_part=True))
    assert approved(void(bench.gateway, sale)).standing.status is TransactionStatus.VOIDED
    assert status_of(bench.gateway, part) is TransactionStatus.SUBMITTED
    assert isinstance(capture(bench.gateway, sale, 1_00, in_part=True), Rejected)
    assert isinstance(void(bench.gateway, sale), Rejected)


def test_a_settlement_that_paypal_holds_up_is_voided_and_not_refunded(bench: Bench) -> None:
    sale = approved(authorize(bench.gateway, 4002_00, captures=True, source=Nonce("fake-paypal-one-time-nonce")))
    bench.settle(sale.transaction_id)
    assert status_of(bench.gateway, sale) is TransactionStatus.SETTLEMENT_PENDING
    assert isinstance(refund(bench.gateway, sale, 1_00), Rejected)
    assert approved(void(bench.gateway, sale)).standing.status is TransactionStatus.VOIDED


# Refunding


def test_a_refund_is_a_credit_of_its_own(bench: Bench) -> None:
    sale, operation_id = a_settled_sale(bench), an_operation_id()
    credit = approved(refund(bench.gateway, sale, 4_00, operation_id))
    assert (credit.kind, credit.amount) == (TransactionKind.CREDIT, usd(4_00))
    assert credit.refunded_transaction_id == sale.transaction_id
    assert [t.transaction_id for t in bench.gateway.find_by_operation(operation_id)] == [credit.transaction_id]
    found = bench.gateway.find_transaction(sale.transaction_id)
    assert found is not None
    assert found.refund_ids == (credit.transaction_id,)
    assert found.standing.settle_time is not None


def test_refunds_never_exceed_the_sale(bench: Bench) -> None:
    sale = a_settled_sale(bench)
    approved(refund(bench.gateway, sale, 6_00))
    assert isinstance(refund(bench.gateway, sale, 4_01), Rejected)
    approved(refund(bench.gateway, sale, 4_00))
    assert isinstance(refund(bench.gateway, sale, 1), Rejected)


def test_an_unsettled_sale_is_not_refunded(bench: Bench) -> None:
    sale = approved(authorize(bench.gateway, captures=True))
    assert isinstance(refund(bench.gateway, sale, 1_00), Rejected)


def test_a_credit_is_not_refunded(bench: Bench) -> None:
    credit = approved(refund(bench.gateway, a_settled_sale(bench), 4_00))
    assert isinstance(refund(bench.gateway, credit, 1_00), Rejected)


def test_a_refund_can_be_declined(bench: Bench) -> None:
    sale = a_settled_sale(bench, 6000_00)
    outcome = refund(bench.gateway, sale, 2004_00)
    assert isinstance(outcome, Declined)
    assert outcome.decline.reason is DeclineReason.REFUND_REFUSED


# Asked about what is not there


def test_an_unknown_transaction_is_no_error(bench: Bench) -> None:
    gateway = bench.gateway
    assert gateway.find_transaction("0nobody0") is None
    assert gateway.find_transactions(["0nobody0"]) == []
    assert gateway.find_transactions([]) == []
    assert gateway.find_by_operation(an_operation_id()) == []
    assert gateway.find_method("0nobody0") is None


def test_a_change_to_an_unknown_transaction_is_rejected(bench: Bench) -> None:
    gateway, operation_id = bench.gateway, an_operation_id()
    outcomes = (
        gateway.capture(Capture(operation_id=operation_id, transaction_id="0n0", amount=usd(1), in_part=False), HELD),
        gateway.capture(Capture(operation_id=operation_id, transaction_id="0n0", amount=usd(1), in_part=True), HELD),
        gateway.void(Void(operation_id=operation_id, transaction_id="0n0"), HELD),
        gateway.refund(Refund(operation_id=operation_id, transaction_id="0n0", amount=usd(1)), HELD),
    )
    assert all(isinstance(outcome, Rejected) for outcome in outcomes), outcomes


def test_many_transactions_are_found_at_once(bench: Bench) -> None:
    sales = [approved(authorize(bench.gateway, captures=True)) for _ in range(3)]
    found = bench.gateway.find_transactions([sale.transaction_id for sale in sales])
    assert {t.transaction_id for t in found} == {sale.transaction_id for sale in sales}


# Customers and what they keep


def store(
    gateway: Gateway,
    customer: Customer,
    *,
    source: Card | Nonce = VISA,
    verify: bool = False,
    make_default: bool = False,
) -> StoreOutcome:
    return gateway.store_method(
        NewMethod(
            payment_method_id=PaymentMethodId(an_id("pm")),
            customer_id=customer.customer_id,
            source=source,
            verify=verify,
            make_default=make_default,
        ),
        HELD,
    )


def a_known_customer(gateway: Gateway) -> Customer:
    customer = a_customer()
    gateway.ensure_customer(customer, HELD)
    return customer


def test_a_customer_can_be_made_known_again_and_again(bench: Bench) -> None:
    customer = a_known_customer(bench.gateway)
    bench.gateway.ensure_customer(customer, HELD)
    bench.gateway.update_customer(customer, HELD)


def with_a_bad_email(customer: Customer) -> Customer:
    return replace(customer, email="ann@localhost")


def test_refused_details_are_left_out_of_a_new_customer_and_told(bench: Bench) -> None:
    assert bench.gateway.ensure_customer(a_customer(), HELD) is None
    customer = with_a_bad_email(a_customer())
    warning = bench.gateway.ensure_customer(customer, HELD)
    assert warning == MerchantWarning(WarningReason.CUSTOMER_DETAILS_LEFT_OUT, "81604")
    assert stored(store(bench.gateway, customer)).customer_id == customer.customer_id


def test_refused_details_of_an_update_are_named_by_field(bench: Bench) -> None:
    customer = a_known_customer(bench.gateway)
    for changed in (customer, a_customer()):
        with pytest.raises(CustomerRefused) as refusal:
            bench.gateway.update_customer(with_a_bad_email(changed), HELD)
        assert refusal.value.fields == {"email": "81604 EmailIsInvalid"}


def test_an_update_of_a_customer_that_is_gone_makes_it_anew(bench: Bench) -> None:
    customer = a_customer()
    bench.gateway.update_customer(customer, HELD)
    assert stored(store(bench.gateway, customer)).customer_id == customer.customer_id


def rejected(outcome: Outcome | StoreOutcome) -> tuple[RefusalCause, str]:
    assert isinstance(outcome, Rejected), outcome
    return outcome.cause, outcome.details.validation_code


def an_authorization(**changes: Any) -> Authorization:
    fields: dict[str, Any] = {"operation_id": an_operation_id(), "amount": usd(10_00), "source": VISA, "captures": True}
    return Authorization(**fields | changes)


def test_refused_details_of_a_guest_are_no_decline(bench: Bench) -> None:
    outcome = bench.gateway.authorize(an_authorization(customer=with_a_bad_email(a_customer())), HELD)
    assert rejected(outcome) == (RefusalCause.CUSTOMER_DETAILS, "81604")


def test_a_refused_address_is_no_decline(bench: Bench) -> None:
    address = Address(postal_code="-12345")
    assert rejected(bench.gateway.authorize(an_authorization(billing_address=address), HELD)) == (
        RefusalCause.BILLING_ADDRESS,
        "81813",
    )
    method = NewMethod(
        payment_method_id=PaymentMethodId(an_id("pm")),
        customer_id=a_known_customer(bench.gateway).customer_id,
        source=VISA,
        billing_address=address,
    )
    assert rejected(bench.gateway.store_method(method, HELD)) == (RefusalCause.BILLING_ADDRESS, "81813")


@pytest.mark.parametrize("stores", [True, False])
def test_a_customer_that_is_gone_is_no_decline(bench: Bench, stores: bool) -> None:
    customer = replace(a_customer(), is_at_gateway=True)
    store_as = PaymentMethodId(an_id("pm")) if stores else None
    asked = an_authorization(customer=customer, store_as=store_as)
    assert rejected(bench.gateway.authorize(asked, HELD)) == (RefusalCause.CUSTOMER_UNKNOWN, "91510")
    bench.gateway.ensure_customer(customer, HELD)
    approved(bench.gateway.authorize(replace(asked, attempt=2), HELD))


def test_nothing_is_stored_for_a_customer_that_is_gone(bench: Bench) -> None:
    assert rejected(store(bench.gateway, a_customer()))[0] is RefusalCause.CUSTOMER_UNKNOWN


@pytest.mark.parametrize("names_customer", [True, False])
def test_a_stored_method_that_is_gone_says_to_use_another_one(bench: Bench, names_customer: bool) -> None:
    customer = a_known_customer(bench.gateway)
    kept = stored(store(bench.gateway, customer))
    bench.gateway.delete_customer(customer.customer_id, HELD)
    named = replace(customer, is_at_gateway=True) if names_customer else None
    outcome = bench.gateway.authorize(an_authorization(source=StoredMethod(kept.token), customer=named), HELD)
    assert isinstance(outcome, Declined)
    assert (outcome.decline.reason, outcome.details.validation_code) == (DeclineReason.METHOD_REMOVED, "91518")


def test_a_client_token_for_a_customer_that_is_gone_is_reported(bench: Bench) -> None:
    with pytest.raises(CustomerUnknown):
        bench.gateway.create_client_token(CustomerId(an_id("cus")), "USD")


def test_a_stored_card_is_found_and_pays(bench: Bench) -> None:
    customer = a_known_customer(bench.gateway)
    kept = stored(store(bench.gateway, customer))
    assert kept.customer_id == customer.customer_id
    assert (kept.instrument.last_four, kept.is_default) == ("1111", True)
    assert bench.gateway.find_method(kept.token) is not None
    sale = approved(authorize(bench.gateway, source=StoredMethod(kept.token)))
    assert sale.token == kept.token


def test_storing_again_under_the_same_id_finds_what_was_stored(bench: Bench) -> None:
    customer = a_known_customer(bench.gateway)
    method = NewMethod(payment_method_id=PaymentMethodId(an_id("pm")), customer_id=customer.customer_id, source=VISA)
    first, second = (stored(bench.gateway.store_method(method, HELD)) for _ in range(2))
    assert first.token == second.token == method.payment_method_id


def test_a_card_is_not_stored_for_an_unknown_customer(bench: Bench) -> None:
    assert isinstance(store(bench.gateway, a_customer()), Rejected | NotStored)


def test_a_card_that_fails_verification_is_not_kept(bench: Bench) -> None:
    customer = a_known_customer(bench.gateway)
    outcome = store(bench.gateway, customer, source=DECLINED_CARD, verify=True)
    assert isinstance(outcome, NotStored)
    assert outcome.verification.decline is not None
    assert stored(store(bench.gateway, customer, verify=True)).token


def test_one_method_is_the_default(bench: Bench) -> None:
    customer = a_known_customer(bench.gateway)
    first = stored(store(bench.gateway, customer))
    second = stored(store(bench.gateway, customer, make_default=True))
    assert second.is_default
    found = bench.gateway.find_method(first.token)
    assert found is not None
    assert not found.is_default
    changed = stored(bench.gateway.change_method(MethodChange(token=first.token, make_default=True), HELD))
    assert changed.is_default


def test_an_update_changes_only_the_given_fields_of_a_method(bench: Bench) -> None:
    kept = stored(store(bench.gateway, a_known_customer(bench.gateway)))
    changed = stored(bench.gateway.change_method(MethodChange(token=kept.token, expiry=CardExpiry(2036, 1)), HELD))
    assert changed.instrument.expiry == CardExpiry(2036, 1)
    assert changed.instrument.cardholder_name == kept.instrument.cardholder_name
    unknown = bench.gateway.change_method(MethodChange(token=an_id("pm"), make_default=True), HELD)
    assert rejected(unknown)[0] is RefusalCause.METHOD_UNKNOWN


def test_a_deleted_method_is_gone_and_may_be_deleted_again(bench: Bench) -> None:
    kept = stored(store(bench.gateway, a_known_customer(bench.gateway)))
    for _ in range(2):
        bench.gateway.delete_method(kept.token, HELD)
    assert bench.gateway.find_method(kept.token) is None


def test_a_deleted_customer_takes_what_was_kept_along(bench: Bench) -> None:
    customer = a_known_customer(bench.gateway)
    kept = stored(store(bench.gateway, customer))
    for _ in range(2):
        bench.gateway.delete_customer(customer.customer_id, HELD)
    assert bench.gateway.find_method(kept.token) is None


def test_a_payment_can_keep_what_paid_for_it(bench: Bench) -> None:
    customer, token = a_known_customer(bench.gateway), PaymentMethodId(an_id("pm"))
    sale = approved(
        bench.gateway.authorize(
            Authorization(
                operation_id=an_operation_id(),
                amount=usd(10_00),
                source=VISA,
                captures=True,
                customer=customer,
                store_as=token,
            ),
            HELD,
        )
    )
    assert sale.token == token
    assert bench.gateway.find_method(token) is not None


def test_a_declined_payment_keeps_nothing(bench: Bench) -> None:
    customer, token = a_known_customer(bench.gateway), PaymentMethodId(an_id("pm"))
    bench.gateway.authorize(
        Authorization(
            operation_id=an_operation_id(),
            amount=usd(2000_00),
            source=VISA,
            captures=True,
            customer=customer,
            store_as=token,
        ),
        HELD,
    )
    assert bench.gateway.find_method(token) is None


def test_a_client_token_is_made_for_anybody_and_for_a_known_customer(bench: Bench) -> None:
    assert bench.gateway.create_client_token(None, None)
    assert bench.gateway.create_client_token(a_known_customer(bench.gateway).customer_id, "USD")
