"""The adapter, the real SDK and a gateway in another process, over TLS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.braintree import parser
from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.settings import BraintreeSettings
from adapters.braintree.transport.lease_check import holding_lease
from application.ports.gateway import (
    Approved,
    Authorization,
    Capture,
    CustomerUnknown,
    Declined,
    GatewayNotReached,
    GatewayRefusedCredentials,
    GatewayUnavailable,
    MethodChange,
    NewMethod,
    Nonce,
    NotStored,
    Outcome,
    Refund,
    RefusalCause,
    Rejected,
    Stored,
    StoredMethod,
    Transaction,
    TransactionKind,
    Unknown,
    Void,
)
from domain.address import Address
from domain.customer import Customer
from domain.decline import DeclineReason
from domain.ids import CustomerId, OperationId, PaymentMethodId
from domain.instrument import Card, CardExpiry, InstrumentKind
from domain.merchant_account import MerchantAccounts
from domain.money import Money
from domain.payment_method import CheckResult
from domain.transaction import TransactionStatus
from tests.adapters.braintree import asking
from tests.adapters.braintree.comparing import Reference
from tests.adapters.braintree.comparing import outcome as outcome_of
from tests.fakes.runtime import HELD

twins: Any = pytest.importorskip("braintree_twin.testing")

ACCOUNTS = MerchantAccounts({code: (f"twin_{code.lower()}",) for code in ("USD", "EUR", "IDR", "JPY", "KWD")})
VISA = Card("4111111111111111", CardExpiry(2030, 12), "123")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with twins.start_twin(tmp_path_factory.mktemp("twin"), separate_control=True) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _every_answer_is_read_as_the_sdk_would() -> Iterator[None]:
    """Of every document that the twin sends in any of these tests, ours must read the same, as far as it is read."""
    compared = 0
    different: list[str | bytes] = []
    ours = parser.Parser

    class Compared(ours):  # type: ignore[misc, valid-type]
        def parse(self) -> dict[str, Any]:
            nonlocal compared
            compared += 1
            if outcome_of(ours, self._xml) != outcome_of(Reference, self._xml):
                different.append(self._xml)
            return dict(super().parse())

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(parser, "Parser", Compared)
        yield
    parser.choose(stock=False)
    assert different == []
    assert compared > 50


@pytest.fixture(autouse=True)
def _no_faults_left(twin: Any) -> Iterator[None]:
    yield
    twin.control.clear_faults()


def connect(twin: Any, **changes: Any) -> BraintreeAdapter:
    settings = BraintreeSettings(
        environment="twin",
        merchant_id=twin.merchant_id,
        public_key=twin.public_key,
        private_key=twin.private_key,
        url=twin.url,
        ca_file=str(twin.ca_file),
        merchant_accounts=ACCOUNTS,
        connect_timeout_seconds=5,
        read_timeout_seconds=10,
    )
    return BraintreeAdapter(replace(settings, **changes))


@pytest.fixture(scope="module")
def gateway(twin: Any) -> Iterator[BraintreeAdapter]:
    adapter = connect(twin)
    yield adapter
    adapter.close()


class Names:
    """Ids that no other test uses."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()

    def __call__(self, prefix: str) -> str:
        with self.lock:
            self.count += 1
            return f"{prefix}_{self.count:026}"


new = Names()


def sale(amount: Money = Money(1050, "USD"), **changes: Any) -> Authorization:  # noqa: B008
    fields: dict[str, Any] = {
        "operation_id": OperationId(new("op")),
        "amount": amount,
        "source": VISA,
        "captures": False,
    }
    return Authorization(**fields | changes)


def taken(outcome: Outcome) -> Transaction:
    assert isinstance(outcome, Approved), outcome
    return outcome.transaction


def whole(transaction: Transaction) -> Capture:
    return Capture(
        operation_id=OperationId(new("op")),
        transaction_id=transaction.transaction_id,
        amount=transaction.amount,
        in_part=False,
    )


def someone(gateway: BraintreeAdapter) -> Customer:
    customer = asking.customer(customer_id=CustomerId(new("cus")), is_at_gateway=True)
    gateway.ensure_customer(customer, HELD)
    return customer


# The life of a payment


@pytest.mark.parametrize("amount", [Money(1050, "USD"), Money(1050, "JPY"), Money(1050, "KWD"), Money(1500000, "IDR")])
def test_an_authorization_holds_the_exact_amount_in_its_currency(gateway: BraintreeAdapter, amount: Money) -> None:
    asked = sale(amount)
    held = taken(gateway.authorize(asked, HELD))
    assert held.amount == amount
    assert held.standing.status is TransactionStatus.AUTHORIZED
    assert held.standing.authorization_expire_time is not None
    assert held.order_id == asked.operation_id
    assert held.instrument is not None
    assert (held.instrument.brand, held.instrument.last_four) == ("Visa", "1111")


def test_a_payment_is_captured_settled_and_refunded_in_part(gateway: BraintreeAdapter, twin: Any) -> None:
    held = taken(gateway.authorize(sale(), HELD))
    captured = taken(gateway.capture(whole(held), HELD))
    assert captured.standing.status is TransactionStatus.SUBMITTED
    twin.control.settle()
    settled = gateway.find_transaction(held.transaction_id)
    assert settled is not None
    assert settled.standing.status is TransactionStatus.SETTLED
    assert settled.standing.settle_time is not None
    returned = taken(
        gateway.refund(
            Refund(operation_id=OperationId(new("op")), transaction_id=held.transaction_id, amount=Money(250, "USD")),
            HELD,
        )
    )
    assert (returned.kind, returned.amount) == (TransactionKind.CREDIT, Money(250, "USD"))
    assert returned.refunded_transaction_id == held.transaction_id


def test_a_payment_can_be_captured_at_once_and_voided(gateway: BraintreeAdapter) -> None:
    captured = taken(gateway.authorize(sale(captures=True), HELD))
    assert captured.standing.status is TransactionStatus.SUBMITTED
    void = Void(operation_id=OperationId(new("op")), transaction_id=captured.transaction_id)
    assert taken(gateway.void(void, HELD)).standing.status is TransactionStatus.VOIDED
    again = gateway.void(replace(void, operation_id=OperationId(new("op"))), HELD)
    assert isinstance(again, Rejected)
    assert again.details.validation_code == "91504"


def test_partial_captures_are_transactions_that_their_parent_lists(gateway: BraintreeAdapter) -> None:
    held = taken(gateway.authorize(sale(), HELD))
    parts = []
    for cents in (300, 450):
        part = replace(whole(held), operation_id=OperationId(new("op")), amount=Money(cents, "USD"), in_part=True)
        parts.append(taken(gateway.capture(part, HELD)))
        [found] = gateway.find_by_operation(part.operation_id)
        assert found.transaction_id == parts[-1].transaction_id
        assert found.authorized_transaction_id == held.transaction_id
    parent = gateway.find_transaction(held.transaction_id)
    assert parent is not None
    assert parent.standing.status is TransactionStatus.PARTIALLY_CAPTURED
    assert set(parent.partial_settlement_ids) == {part.transaction_id for part in parts}


def test_a_refund_before_settlement_is_rejected_without_effect(gateway: BraintreeAdapter) -> None:
    captured = taken(gateway.authorize(sale(captures=True), HELD))
    asked = Refund(operation_id=OperationId(new("op")), transaction_id=captured.transaction_id, amount=Money(1, "USD"))
    outcome = gateway.refund(asked, HELD)
    assert isinstance(outcome, Rejected)
    assert outcome.details.validation_code == "91506"
    assert gateway.find_by_operation(asked.operation_id) == []


# No


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("2000.00", DeclineReason.DECLINED),
        ("2001.00", DeclineReason.INSUFFICIENT_FUNDS),
        ("2004.00", DeclineReason.CARD_EXPIRED),
        ("2010.00", DeclineReason.INCORRECT_CVV),
        ("2014.00", DeclineReason.SUSPECTED_FRAUD),
        ("2053.00", DeclineReason.LOST_OR_STOLEN),
        ("2777.00", DeclineReason.DECLINED),
        ("3000.00", DeclineReason.NETWORK_UNAVAILABLE),
        ("5001.00", DeclineReason.MERCHANT_SETUP),
    ],
)
def test_the_bank_says_no(gateway: BraintreeAdapter, amount: str, reason: DeclineReason) -> None:
    asked = sale(Money.from_decimal(amount, "USD"))
    outcome = gateway.authorize(asked, HELD)
    assert isinstance(outcome, Declined), outcome
    assert outcome.decline.reason is reason
    assert outcome.instrument is not None
    [found] = gateway.find_by_operation(asked.operation_id)
    assert found.decline == outcome.decline


def test_an_unknown_nonce_is_the_callers_to_mend(gateway: BraintreeAdapter) -> None:
    outcome = gateway.authorize(sale(source=Nonce("no-such-nonce")), HELD)
    assert isinstance(outcome, Declined), outcome
    assert outcome.decline.reason is DeclineReason.INVALID_DATA


def test_an_unknown_stored_method_is_declined_without_a_call_to_a_bank(gateway: BraintreeAdapter) -> None:
    outcome = gateway.authorize(sale(source=StoredMethod("nothing")), HELD)
    assert isinstance(outcome, Declined), outcome
    assert outcome.decline.reason is DeclineReason.METHOD_REMOVED
    assert outcome.details.validation_code == "91518"


@pytest.mark.parametrize("account", ["twin_usd_suspended", "no_such_account"])
def test_an_account_that_cannot_take_it_is_no_decline_of_the_card(account: str, twin: Any) -> None:
    outcome = connect(twin, merchant_accounts=MerchantAccounts({"USD": (account,)})).authorize(sale(), HELD)
    assert isinstance(outcome, Rejected), outcome
    assert outcome.cause is RefusalCause.MERCHANT_ACCOUNT
    assert "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS" in outcome.detail


def test_the_merchants_own_rules_reject_a_wrong_security_code(twin: Any) -> None:
    strict = connect(twin, merchant_accounts=MerchantAccounts({"USD": ("twin_usd_avs_cvv",)}))
    outcome = strict.authorize(sale(source=replace(VISA, cvv="200")), HELD)
    assert isinstance(outcome, Declined), outcome
    assert outcome.decline.reason is DeclineReason.INCORRECT_CVV
    assert outcome.details.cvv_response == "N"


def test_wrong_keys_are_reported_as_such(twin: Any) -> None:
    stranger = connect(twin, private_key="wrong")
    with pytest.raises(GatewayRefusedCredentials):
        stranger.authorize(sale(), HELD)
    with pytest.raises(GatewayRefusedCredentials):
        stranger.find_transaction("tx")


# The same key, and no key


def test_a_request_sent_twice_with_its_key_pays_once(gateway: BraintreeAdapter) -> None:
    asked = sale(captures=True)
    first, second = taken(gateway.authorize(asked, HELD)), taken(gateway.authorize(asked, HELD))
    assert first.transaction_id == second.transaction_id
    assert len(gateway.find_by_operation(asked.operation_id)) == 1


def test_a_merchant_without_request_keys_is_served_without(twin: Any) -> None:
    keyless = connect(twin, merchant_accounts=MerchantAccounts({"USD": ("twin_usd_no_request_keys",)}))
    asked = sale()
    taken(keyless.authorize(asked, HELD))
    assert len(keyless.find_by_operation(asked.operation_id)) == 1


def test_a_second_send_with_other_content_has_its_own_request_key(twin: Any) -> None:
    keyed = connect(twin, use_api_request_key=True)
    asked = sale(customer=asking.customer(email="ann@localhost"))
    refused = keyed.authorize(asked, HELD)
    assert isinstance(refused, Rejected), refused
    assert refused.cause is RefusalCause.CUSTOMER_DETAILS
    taken(keyed.authorize(replace(asked, customer=None, attempt=2), HELD))
    assert len(keyed.find_by_operation(asked.operation_id)) == 1


# Stored payment methods


def test_a_card_is_kept_with_the_payment_and_pays_again(gateway: BraintreeAdapter) -> None:
    customer = someone(gateway)
    token = PaymentMethodId(new("pm"))
    first = taken(gateway.authorize(sale(customer=customer, store_as=token), HELD))
    assert first.token == token
    kept = gateway.find_method(token)
    assert kept is not None
    assert kept.customer_id == customer.customer_id
    taken(gateway.authorize(sale(Money(777, "USD"), source=StoredMethod(token), customer=customer), HELD))


def test_a_nonce_is_kept_with_the_payment_under_the_token_it_names(gateway: BraintreeAdapter) -> None:
    customer = someone(gateway)
    asked = sale(source=Nonce("fake-valid-mastercard-nonce"), customer=customer, store_as=PaymentMethodId(new("pm")))
    paid = taken(gateway.authorize(asked, HELD))
    assert paid.token
    kept = gateway.find_method(paid.token)
    assert kept is not None
    assert kept.instrument.brand == "MasterCard"


def test_a_payment_by_somebody_whom_the_gateway_does_not_know_keeps_nothing(gateway: BraintreeAdapter) -> None:
    passing = asking.customer(customer_id=CustomerId(new("cus")))
    assert taken(gateway.authorize(sale(customer=passing), HELD)).token == ""


@pytest.mark.parametrize(
    ("nonce", "kind"),
    [
        ("fake-valid-nonce", InstrumentKind.CARD),
        ("fake-apple-pay-visa-nonce", InstrumentKind.APPLE_PAY),
        ("fake-android-pay-nonce", InstrumentKind.GOOGLE_PAY),
        ("fake-paypal-billing-agreement-nonce", InstrumentKind.PAYPAL),
        ("fake-venmo-account-nonce", InstrumentKind.VENMO),
    ],
)
def test_wallets_are_kept_and_show_as_what_they_are(
    gateway: BraintreeAdapter, nonce: str, kind: InstrumentKind
) -> None:
    customer = someone(gateway)
    asked = NewMethod(
        payment_method_id=PaymentMethodId(new("pm")), customer_id=customer.customer_id, source=Nonce(nonce)
    )
    outcome = gateway.store_method(asked, HELD)
    assert isinstance(outcome, Stored), outcome
    assert outcome.method.instrument.kind is kind
    assert outcome.method.is_default
    assert gateway.find_method(outcome.method.token) == outcome.method
    paid = taken(gateway.authorize(sale(source=StoredMethod(outcome.method.token)), HELD))
    assert paid.instrument is not None
    assert paid.instrument.kind is kind


def test_storing_twice_under_one_token_keeps_one_method(gateway: BraintreeAdapter) -> None:
    asked = NewMethod(
        payment_method_id=PaymentMethodId(new("pm")), customer_id=someone(gateway).customer_id, source=VISA
    )
    first, second = gateway.store_method(asked, HELD), gateway.store_method(asked, HELD)
    assert isinstance(first, Stored)
    assert isinstance(second, Stored)
    assert first.method.token == second.method.token == asked.payment_method_id


def test_a_card_is_verified_when_it_is_kept(gateway: BraintreeAdapter) -> None:
    asked = NewMethod(
        payment_method_id=PaymentMethodId(new("pm")),
        customer_id=someone(gateway).customer_id,
        source=VISA,
        verify=True,
        billing_address=Address(street_address="Jl. Sudirman 1", postal_code="20000"),
    )
    outcome = gateway.store_method(asked, HELD)
    assert isinstance(outcome, Stored), outcome
    checked = outcome.method.verification
    assert checked is not None
    assert checked.approved
    assert (checked.cvv, checked.postal_code) == (CheckResult.MATCHES, CheckResult.DOES_NOT_MATCH)


def test_a_card_that_its_bank_refuses_is_not_kept(gateway: BraintreeAdapter) -> None:
    asked = NewMethod(
        payment_method_id=PaymentMethodId(new("pm")),
        customer_id=someone(gateway).customer_id,
        source=replace(VISA, number="4000111111111115"),
        verify=True,
    )
    outcome = gateway.store_method(asked, HELD)
    assert isinstance(outcome, NotStored), outcome
    assert outcome.verification.decline is not None
    assert gateway.find_method(asked.payment_method_id) is None


def test_a_kept_card_is_changed_and_forgotten(gateway: BraintreeAdapter) -> None:
    customer = someone(gateway)
    tokens = [PaymentMethodId(new("pm")), PaymentMethodId(new("pm"))]
    for token in tokens:
        gateway.store_method(NewMethod(payment_method_id=token, customer_id=customer.customer_id, source=VISA), HELD)
    change = MethodChange(
        token=tokens[1],
        expiry=CardExpiry(2033, 4),
        cardholder_name="Siti Rahayu",
        billing_address=Address(locality="Bandung"),
        make_default=True,
    )
    outcome = gateway.change_method(change, HELD)
    assert isinstance(outcome, Stored), outcome
    assert outcome.method.instrument.expiry == CardExpiry(2033, 4)
    assert outcome.method.instrument.cardholder_name == "Siti Rahayu"
    assert outcome.method.is_default
    gateway.delete_method(tokens[1], HELD)
    gateway.delete_method(tokens[1], HELD)
    assert gateway.find_method(tokens[1]) is None
    assert isinstance(gateway.change_method(change, HELD), Rejected)


def test_a_customer_is_made_known_changed_and_forgotten(gateway: BraintreeAdapter) -> None:
    customer = someone(gateway)
    gateway.ensure_customer(customer, HELD)
    gateway.update_customer(replace(customer, given_name="Siti", phone=""), HELD)
    token = PaymentMethodId(new("pm"))
    gateway.store_method(NewMethod(payment_method_id=token, customer_id=customer.customer_id, source=VISA), HELD)
    gateway.delete_customer(customer.customer_id, HELD)
    gateway.delete_customer(customer.customer_id, HELD)
    assert gateway.find_method(token) is None
    gateway.update_customer(customer, HELD)


def test_a_client_token_can_be_had_with_and_without_a_customer(gateway: BraintreeAdapter) -> None:
    assert gateway.create_client_token(None, "")
    assert gateway.create_client_token(someone(gateway).customer_id, "twin_jpy")
    with pytest.raises(CustomerUnknown):
        gateway.create_client_token(CustomerId("cus_nobody"), "")


# Looking things up


def test_an_unknown_transaction_is_not_found(gateway: BraintreeAdapter) -> None:
    assert gateway.find_transaction("nothing") is None
    assert gateway.find_transactions(["nothing"]) == []
    assert gateway.find_by_operation(OperationId(new("op"))) == []


def test_many_transactions_are_found_at_once(gateway: BraintreeAdapter) -> None:
    ids = [taken(gateway.authorize(sale(Money(100 + n, "USD")), HELD)).transaction_id for n in range(60)]
    found = gateway.find_transactions([*ids, "nothing"])
    assert {transaction.transaction_id for transaction in found} == set(ids)


def test_many_threads_share_one_adapter(gateway: BraintreeAdapter) -> None:
    outcomes: list[tuple[Authorization, Outcome]] = []

    def pay(amount: int) -> None:
        asked = sale(Money(amount, "USD"))
        outcomes.append((asked, gateway.authorize(asked, HELD)))

    threads = [threading.Thread(target=pay, args=(1000 + n,)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 32
    for asked, outcome in outcomes:
        paid = taken(outcome)
        assert (paid.amount, paid.order_id) == (asked.amount, asked.operation_id)


# Faults: what the adapter says, and what the ledger shows


@pytest.mark.parametrize(
    ("fault", "happened"),
    [
        ({"fault": "reset_before"}, False),
        ({"fault": "reset_after"}, True),
        ({"fault": "status", "status": 500}, False),
        ({"fault": "status", "status": 500, "processed": True}, True),
        ({"fault": "status", "status": 503}, False),
        ({"fault": "status", "status": 429}, False),
        ({"fault": "status", "status": 504, "processed": True}, True),
        ({"fault": "truncate"}, True),
        ({"fault": "garbage"}, True),
    ],
    ids=lambda value: " ".join(str(part) for part in value.values()) if isinstance(value, dict) else "",
)
def test_the_outcome_is_unknown_after_any_failure_until_it_is_checked(
    gateway: BraintreeAdapter, twin: Any, fault: dict[str, Any], happened: bool
) -> None:
    asked = sale()
    twin.control.add_fault(**fault, method="POST", path="/transactions", next=1)
    assert isinstance(gateway.authorize(asked, HELD), Unknown)
    assert len(gateway.find_by_operation(asked.operation_id)) == int(happened)


def test_a_gateway_slower_than_the_read_timeout_leaves_the_outcome_unknown(twin: Any) -> None:
    impatient = connect(twin, read_timeout_seconds=0.3)
    asked = sale()
    twin.control.add_fault("delay", path="/transactions", seconds=1, when="after", next=1)
    assert isinstance(impatient.authorize(asked, HELD), Unknown)
    assert len(connect(twin).find_by_operation(asked.operation_id)) == 1


QUESTIONS: list[Callable[[BraintreeAdapter], object]] = [
    lambda gateway: gateway.find_transaction("tx"),
    lambda gateway: gateway.find_transactions(["tx"]),
    lambda gateway: gateway.find_by_operation(OperationId("op")),
    lambda gateway: gateway.find_method("pm"),
    lambda gateway: gateway.create_client_token(None, ""),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_that_stays_unanswered_is_reported(
    gateway: BraintreeAdapter, twin: Any, question: Callable[[BraintreeAdapter], object]
) -> None:
    twin.control.add_fault("status", status=503)
    with pytest.raises(GatewayUnavailable) as raised:
        question(gateway)
    assert not isinstance(raised.value, GatewayNotReached)


def test_an_untrusted_certificate_means_that_nothing_was_sent(twin: Any) -> None:
    with pytest.raises(GatewayNotReached):
        connect(twin, ca_file="").authorize(sale(), HELD)


def test_a_twin_that_is_gone_was_not_reached_and_one_that_is_back_is(tmp_path: Path) -> None:
    with twins.start_twin(tmp_path) as own:
        gateway = connect(own)
        first = sale()
        taken(gateway.authorize(first, HELD))
        own.kill()
        with pytest.raises(GatewayNotReached):
            gateway.authorize(sale(), HELD)
        own.restart()
        assert len(gateway.find_by_operation(first.operation_id)) == 1
        taken(gateway.authorize(sale(), HELD))


def test_a_currency_of_several_accounts_of_which_none_is_the_default_has_no_default(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with twins.start_twin(tmp_path) as own:
        gateway = connect(own, merchant_accounts=MerchantAccounts())
        gateway.discover_merchant_accounts()
        assert {"USD", "EUR"} <= gateway.accounts.currencies
        with holding_lease(HELD):
            created = gateway._sdk.merchant_account.create_for_currency({"currency": "EUR", "id": "second_eur"})
        assert created is not None
        assert created.is_success
        gateway.discover_merchant_accounts()
    assert gateway.accounts.of("USD")[:2] == ("twin_usd", "twin_usd_no_request_keys")
    assert "twin_usd_suspended" not in gateway.accounts.names()
    assert gateway.accounts.default("USD") == "twin_usd"
    assert (gateway.accounts.of("EUR"), gateway.accounts.default("EUR")) == (("twin_eur", "second_eur"), "")
    assert "payments in EUR must name one of its merchant accounts (second_eur, twin_eur)" in caplog.text
