"""From documents, through the SDK's own objects, to values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import braintree
import pytest
from braintree.error_result import ErrorResult
from braintree.payment_method_parser import parse_payment_method
from braintree.successful_result import SuccessfulResult
from hypothesis import given
from hypothesis import strategies as st

from adapters.braintree import translate
from application.ports.gateway import (
    Approved,
    Declined,
    NotStored,
    Outcome,
    Rejected,
    Stored,
    StoredInstrument,
    Transaction,
    TransactionKind,
    Unknown,
)
from domain.decline import CATALOGUE, DeclineReason, RetryAdvice
from domain.instrument import CardExpiry, Instrument, InstrumentKind
from domain.money import Money
from domain.payment_method import CheckResult
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from tests.adapters.braintree import documents

NO_GATEWAY: Any = None
PAN = "4012888888881881"


def read(**changes: Any) -> Transaction:
    found = documents.parsed(documents.transaction(**changes))["transaction"]
    return translate.transaction(braintree.Transaction(NO_GATEWAY, found))


def outcome(xml: str) -> Outcome:
    answer = documents.parsed(xml)
    if "transaction" in answer:
        found = braintree.Transaction(NO_GATEWAY, answer["transaction"])
        return translate.outcome(SuccessfulResult({"transaction": found}))
    return translate.outcome(ErrorResult(NO_GATEWAY, answer["api_error_response"]))


def stored(name: str, shown: Any) -> StoredInstrument:
    return translate.stored_instrument(
        parse_payment_method(NO_GATEWAY, documents.parsed(documents.document(name, shown)))
    )


# Transactions


def test_a_transaction_is_reported_whole() -> None:
    assert read() == Transaction(
        transaction_id="tx1",
        order_id="op_1",
        kind=TransactionKind.SALE,
        amount=Money(1050, "USD"),
        standing=TransactionSnapshot(
            TransactionStatus.AUTHORIZED, authorization_expire_time=datetime(2026, 3, 8, 10, tzinfo=UTC)
        ),
        create_time=datetime(2026, 3, 1, 10, tzinfo=UTC),
        details=GatewayDetails(
            transaction_id="tx1",
            status="authorized",
            processor_response_code="1000",
            processor_response_text="Approved",
            avs_postal_code_response="M",
            avs_street_address_response="I",
            cvv_response="M",
            network_transaction_id="net1",
        ),
        instrument=Instrument(
            InstrumentKind.CARD,
            brand="Visa",
            last_four="1881",
            expiry=CardExpiry(2030, 12),
            issuer_country="IDN",
            unique_number_identifier="uni1",
        ),
        token="pm_1",
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("authorizing", TransactionStatus.AUTHORIZING),
        ("authorized", TransactionStatus.AUTHORIZED),
        ("authorization_expired", TransactionStatus.EXPIRED),
        ("submitted_for_settlement", TransactionStatus.SUBMITTED),
        ("settling", TransactionStatus.SETTLING),
        ("settlement_pending", TransactionStatus.SETTLEMENT_PENDING),
        ("settlement_confirmed", TransactionStatus.SETTLEMENT_CONFIRMED),
        ("settled", TransactionStatus.SETTLED),
        ("settlement_declined", TransactionStatus.SETTLEMENT_DECLINED),
        ("settlement_failed", TransactionStatus.SETTLEMENT_DECLINED),
        ("processor_declined", TransactionStatus.DECLINED),
        ("gateway_rejected", TransactionStatus.DECLINED),
        ("failed", TransactionStatus.FAILED),
        ("voided", TransactionStatus.VOIDED),
    ],
)
def test_each_status_has_its_meaning(status: str, expected: TransactionStatus) -> None:
    found = read(status=status)
    assert found.standing.status is expected
    refused = {TransactionStatus.SETTLEMENT_DECLINED, TransactionStatus.DECLINED, TransactionStatus.FAILED}
    assert (found.decline is not None) == (expected in refused)


def test_every_status_that_the_sdk_knows_is_known() -> None:
    statuses = [value for name, value in vars(braintree.Transaction.Status).items() if not name.startswith("_")]
    assert len(statuses) >= 14
    for status in statuses:
        read(status=status)


def test_a_parent_of_partial_settlements_is_partially_captured() -> None:
    found = read(status="settlement_pending", partial_settlement_transaction_ids=["tx2", "tx3"])
    assert found.standing.status is TransactionStatus.PARTIALLY_CAPTURED
    assert found.partial_settlement_ids == ("tx2", "tx3")


@pytest.mark.parametrize("status", ["settlement_confirmed", "settling", "settled"])
def test_a_parent_that_settles_holds_no_money_of_its_own(status: str) -> None:
    found = read(status=status, partial_settlement_transaction_ids=["tx2"])
    assert found.standing.status is TransactionStatus.RELEASED


def test_a_settled_transaction_shows_when_it_settled_and_what_was_paid_out() -> None:
    def event(status: str, time: str) -> dict[str, str]:
        return {"timestamp": time, "status": status, "amount": "10.50"}

    found = read(
        status="settled",
        status_history=[event("authorized", "2026-03-01T10:00:00Z"), event("settled", "2026-03-02T03:30:00Z")],
        disbursement_details={
            "disbursement-date": "2026-03-04",
            "settlement-amount": "163000",
            "settlement-currency-iso-code": "JPY",
            "settlement-currency-exchange-rate": "155.2",
        },
    )
    assert found.standing.settle_time == datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    assert found.standing.disburse_date == date(2026, 3, 4)
    assert found.standing.settlement_amount == Money(163000, "JPY")


@pytest.mark.parametrize(("amount", "currency"), [("10.123", "USD"), ("10.00", "XXX"), ("10.00", None)])
def test_a_payout_that_cannot_be_told_is_left_out(amount: str, currency: str | None) -> None:
    found = read(
        disbursement_details={
            "disbursement-date": "2026-03-04",
            "settlement-amount": amount,
            "settlement-currency-iso-code": currency,
            "settlement-currency-exchange-rate": None,
        }
    )
    assert found.standing.settlement_amount is None
    assert found.standing.disburse_date == date(2026, 3, 4)


def test_a_refund_names_the_sale_it_gives_back() -> None:
    found = read(type="credit", refunded_transaction_id="tx0", status="submitted_for_settlement")
    assert (found.kind, found.refunded_transaction_id) == (TransactionKind.CREDIT, "tx0")
    assert read(refund_ids=["tx8", "tx9"]).refund_ids == ("tx8", "tx9")


def test_elements_that_are_absent_are_no_trouble() -> None:
    needed = ("id", "status", "type", "currency-iso-code", "amount", "created-at")
    bare = {name: documents.SALE[name] for name in needed}
    found = documents.parsed(documents.document("transaction", bare))["transaction"]
    told = translate.transaction(braintree.Transaction(NO_GATEWAY, found))
    assert told.instrument is None
    assert told.standing == TransactionSnapshot(TransactionStatus.AUTHORIZED)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "dreaming"},
        {"type": "gift"},
        {"currency_iso_code": "XXX"},
        {"currency_iso_code": None},
        {"amount": "10.505"},
        {"amount": "NaN"},
        {"id": ""},
    ],
)
def test_an_unreadable_transaction_is_not_accepted(changes: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        read(**changes)


@given(
    minor_units=st.integers(min_value=0, max_value=10**15),
    currency=st.sampled_from([("JPY", 0), ("USD", 2), ("KWD", 3)]),
)
def test_amounts_are_read_exactly(minor_units: int, currency: tuple[str, int]) -> None:
    code, exponent = currency
    whole, fraction = divmod(minor_units, 10**exponent)
    text = f"{whole}.{fraction:0{exponent}}" if exponent else str(whole)
    assert read(amount=text, currency_iso_code=code).amount == Money(minor_units, code)
    assert Money(minor_units, code).to_decimal() == text


# Instruments


def test_wallets_show_as_what_they_are() -> None:
    apple = read(
        payment_instrument_type="apple_pay_card",
        apple_pay={
            "token": None,
            "card-type": "Apple Pay - MasterCard",
            "last-4": "0017",
            "expiration-month": "3",
            "expiration-year": "2029",
        },
    )
    google = read(
        payment_instrument_type="android_pay_card",
        android_pay_card={
            "token": "gp1",
            "source-card-type": "Visa",
            "source-card-last-4": "1111",
            "virtual-card-type": "MasterCard",
            "virtual-card-last-4": "9999",
        },
    )
    paypal = read(payment_instrument_type="paypal_account", paypal={"token": "pp1", "payer-email": "s@example.com"})
    venmo = read(payment_instrument_type="venmo_account", venmo_account={"token": "v1", "username": "siti"})
    assert apple.instrument == Instrument(
        InstrumentKind.APPLE_PAY, brand="MasterCard", last_four="0017", expiry=CardExpiry(2029, 3)
    )
    assert google.instrument == Instrument(InstrumentKind.GOOGLE_PAY, brand="Visa", last_four="1111")
    assert paypal.instrument == Instrument(InstrumentKind.PAYPAL, account="s@example.com")
    assert venmo.instrument == Instrument(InstrumentKind.VENMO, account="siti")
    assert [found.token for found in (apple, google, paypal, venmo)] == ["", "gp1", "pp1", "v1"]


def test_an_unknown_instrument_is_other() -> None:
    assert read(payment_instrument_type="samsung_pay_card").instrument == Instrument(InstrumentKind.OTHER)


def test_a_strange_expiry_date_is_left_out() -> None:
    card = documents.SALE["credit-card"]
    for month, year in (("13", "2030"), ("", "2030"), ("12", "xxxx"), (None, None)):
        found = read(credit_card={**card, "expiration-month": month, "expiration-year": year})
        assert found.instrument is not None
        assert found.instrument.expiry is None


def test_a_stored_card_is_reported_whole() -> None:
    assert stored("credit-card", documents.CARD) == StoredInstrument(
        token="pm_1",
        customer_id="cus_1",
        instrument=Instrument(
            InstrumentKind.CARD,
            brand="MasterCard",
            last_four="4444",
            expiry=CardExpiry(2031, 5),
            cardholder_name="Siti Rahayu",
            issuer="Bank Satu",
            unique_number_identifier="uni2",
        ),
        is_default=True,
    )


def test_a_card_number_that_a_shopper_typed_elsewhere_is_not_kept() -> None:
    card = documents.SALE["credit-card"]
    typed = read(credit_card={**card, "cardholder-name": "Siti 4012 8888 8888 1881"}, additional_processor_response=PAN)
    assert typed.instrument is not None
    assert typed.instrument.cardholder_name == "Siti [removed]"
    assert typed.details.additional_processor_response == "[removed]"
    kept = {"token": "t1", "customer-id": "cus_1", "default": False}
    told = stored("credit-card", {**documents.CARD, "cardholder-name": PAN})
    venmo = stored("venmo-account", {**kept, "username": f"siti{PAN}"})
    paypal = stored("paypal-account", {**kept, "email": f"{PAN}@example.com"})
    shown = [told.instrument.cardholder_name, venmo.instrument.account, paypal.instrument.account]
    assert shown == ["[removed]", "siti[removed]", "[removed]@example.com"]


def test_stored_wallets_show_as_what_they_are() -> None:
    common = {"token": "t1", "customer-id": "cus_1", "default": False}
    kinds = {
        "paypal-account": {"email": "s@example.com"},
        "venmo-account": {"username": "siti"},
        "apple-pay-card": {"card-type": "Apple Pay - Visa", "last-4": "1111"},
        "android-pay-card": {"source-card-type": "Visa", "source-card-last-4": "1111"},
        "something-new": {"colour": "blue"},
    }
    told = {name: stored(name, common | shown) for name, shown in kinds.items()}
    assert [kept.instrument.kind for kept in told.values()] == [
        InstrumentKind.PAYPAL,
        InstrumentKind.VENMO,
        InstrumentKind.APPLE_PAY,
        InstrumentKind.GOOGLE_PAY,
        InstrumentKind.OTHER,
    ]
    assert told["paypal-account"].instrument.account == "s@example.com"
    assert not any(kept.is_default for kept in told.values())


# Verifications


def test_a_verification_shows_each_check() -> None:
    with_verification = {**documents.CARD, "verifications": [documents.VERIFICATION]}
    shown = stored("credit-card", with_verification).verification
    assert shown is not None
    assert shown.approved
    assert (shown.cvv, shown.postal_code, shown.street_address) == (
        CheckResult.MATCHES,
        CheckResult.DOES_NOT_MATCH,
        CheckResult.NOT_VERIFIED,
    )


@pytest.mark.parametrize(("code", "expected"), [("S", CheckResult.NOT_SUPPORTED), ("E", CheckResult.NOT_VERIFIED)])
def test_a_setting_for_the_whole_address_applies_to_both_parts(code: str, expected: CheckResult) -> None:
    checked = {**documents.VERIFICATION, "avs-error-response-code": code}
    shown = stored("credit-card", {**documents.CARD, "verifications": [checked]}).verification
    assert shown is not None
    assert (shown.postal_code, shown.street_address) == (expected, expected)


def test_a_method_whose_verification_fails_is_not_stored() -> None:
    refused = documents.parsed(documents.unverified())["api_error_response"]
    told = translate.store_outcome(ErrorResult(NO_GATEWAY, refused))
    assert isinstance(told, NotStored)
    assert told.verification.decline == CATALOGUE[DeclineReason.INCORRECT_CVV]
    assert told.verification.processor_response_code == "2010"


def test_a_rule_of_the_merchant_may_refuse_a_verification() -> None:
    refused = documents.unverified(status="gateway_rejected", gateway_rejection_reason="avs")
    told = translate.store_outcome(ErrorResult(NO_GATEWAY, documents.parsed(refused)["api_error_response"]))
    assert isinstance(told, NotStored)
    assert told.verification.decline == CATALOGUE[DeclineReason.INCORRECT_ADDRESS]


def test_a_stored_method_is_read_from_either_kind_of_answer() -> None:
    card = parse_payment_method(NO_GATEWAY, documents.parsed(documents.document("credit-card", documents.CARD)))
    for name in ("credit_card", "payment_method"):
        assert isinstance(translate.store_outcome(SuccessfulResult({name: card})), Stored)


@pytest.mark.parametrize(("code", "kind"), [("93108", NotStored), ("81715", NotStored), ("91728", Rejected)])
def test_a_method_refused_for_what_was_sent_says_whose_fault_it_is(code: str, kind: type) -> None:
    refused = documents.parsed(documents.invalid(code))["api_error_response"]
    assert isinstance(translate.store_outcome(ErrorResult(NO_GATEWAY, refused)), kind)


# Outcomes


def test_an_approval_carries_the_transaction() -> None:
    assert outcome(documents.transaction()) == Approved(read())


def test_a_decline_carries_what_may_be_shown_and_what_administrators_need() -> None:
    told = outcome(documents.declined(processor_response_code="2001", additional_processor_response="51 : DECLINE"))
    assert isinstance(told, Declined)
    assert told.decline == CATALOGUE[DeclineReason.INSUFFICIENT_FUNDS]
    assert told.details.additional_processor_response == "51 : DECLINE"
    assert told.instrument is not None
    assert told.instrument.last_four == "1881"


def test_the_issuers_advice_comes_first() -> None:
    told = outcome(documents.declined(processor_response_type="hard_declined", merchant_advice_code="24"))
    assert isinstance(told, Declined)
    assert told.decline.retry_advice is RetryAdvice.RETRY_LATER
    assert told.decline.retry_after == timedelta(hours=1)
    assert told.details.merchant_advice_code == "24"


def test_a_rejection_by_the_gateway_shows_its_reason() -> None:
    told = outcome(documents.declined(status="gateway_rejected", gateway_rejection_reason="cvv"))
    assert isinstance(told, Declined)
    assert told.decline == CATALOGUE[DeclineReason.INCORRECT_CVV]
    assert told.details.gateway_rejection_reason == "cvv"


def test_a_processor_out_of_reach_is_a_decline_to_try_again_soon() -> None:
    told = outcome(documents.declined(status="failed", processor_response_code="3000"))
    assert isinstance(told, Declined)
    assert told.decline == CATALOGUE[DeclineReason.NETWORK_UNAVAILABLE]


def test_a_refusal_at_settlement_shows_the_settlement_code() -> None:
    told = read(
        status="settlement_declined",
        processor_settlement_response_code="4001",
        processor_settlement_response_text="Settlement Declined",
    )
    assert told.decline == CATALOGUE[DeclineReason.SETTLEMENT_DECLINED]
    assert told.details.processor_response_code == "4001"


def test_a_declined_refund_counts_against_no_card() -> None:
    told = outcome(documents.declined(type="credit", processor_response_code="2004"))
    assert isinstance(told, Declined)
    assert told.decline == CATALOGUE[DeclineReason.REFUND_REFUSED]


def test_a_refusal_because_of_what_was_sent_names_the_code() -> None:
    told = outcome(documents.invalid("91565"))
    assert told == Declined(
        decline=CATALOGUE[DeclineReason.INVALID_DATA], details=GatewayDetails(validation_code="91565")
    )


def test_correctable_violations_come_before_others() -> None:
    told = outcome(documents.invalid("91513", "81715"))
    assert isinstance(told, Declined)
    assert told.decline.reason is DeclineReason.INVALID_CARD


@pytest.mark.parametrize("code", ["91504", "91506", "91507", "91512", "91521", "91522", "915103", "91513", "99999"])
def test_a_refusal_that_is_no_callers_fault_is_rejected_by_its_name(code: str) -> None:
    told = outcome(documents.invalid(code))
    assert isinstance(told, Rejected)
    assert told.detail.startswith(code)
    assert told.details.validation_code == code


def test_no_text_of_the_gateways_is_passed_on() -> None:
    assert "4111" not in repr(outcome(documents.invalid("91513")))


def test_a_transaction_still_at_work_is_not_known_yet() -> None:
    assert isinstance(outcome(documents.transaction(status="authorizing")), Unknown)


def test_a_refusal_that_shows_money_held_is_not_known() -> None:
    assert isinstance(outcome(documents.declined(status="authorized")), Unknown)


def test_a_card_refused_at_verification_is_declined() -> None:
    told = outcome(documents.unverified())
    assert isinstance(told, Declined)
    assert told.decline.reason is DeclineReason.INCORRECT_CVV


def test_a_refusal_without_any_reason_is_rejected() -> None:
    assert isinstance(outcome(documents.refusal({})), Rejected)


@pytest.mark.parametrize("answer", [None, {}, object(), "text"])
def test_a_malformed_answer_is_not_accepted(answer: object) -> None:
    with pytest.raises(TypeError):
        translate.outcome(answer)
    with pytest.raises(TypeError):
        translate.store_outcome(answer)


def test_two_readings_of_one_document_are_equal() -> None:
    assert read() == read()
    assert replace(read(), order_id="") != read()
