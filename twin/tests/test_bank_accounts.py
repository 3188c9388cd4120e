"""US bank accounts (ACH), SEPA debit accounts, local payments and Meta checkout, with the official Python SDK."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import braintree
import pytest
from braintree import TransactionSearch
from braintree.exceptions.not_found_error import NotFoundError
from braintree.us_bank_account_verification_search import UsBankAccountVerificationSearch as Search
from twin_sdk import codes, codes_on, sale

from braintree_twin.control import ControlError
from braintree_twin.sdk_twin import SdkTwin, run_sdk_twin

NONCE, SEPA_NONCE = "fake-us-bank-account-nonce", "fake-sepa-direct-debit-nonce"
# The SDK sends and reads UTC without a zone.
SAME_DAY, STANDARD = braintree.Transaction.AchType.SameDay, braintree.Transaction.AchType.Standard
ACCEPTED = datetime.fromisoformat("2026-01-02T03:04:05")
WAYS = braintree.UsBankAccountVerification.VerificationMethod
ACCOUNTS = "".join(
    f"""
[[merchants.payment_methods]]
token = "account_{number}"
customer = "ada"
kind = "us_bank_account"
account_number = "{number}"
"""
    for number in ("1000000000", "1000000001", "1000000002", "1000000003", "1000000005", "4242424242")
)
SEED = f"""
[[merchants]]
id = "shop"
public_key = "shop_public"
private_key = "shop_private"
accounts = [
    {{id = "shop_usd", currency = "USD", duplicate_checking = false}},
    {{id = "shop_exempt", currency = "USD", duplicate_checking = false, bank_accounts_exempt = true}},
]

[[merchants.customers]]
id = "ada"
{ACCOUNTS}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkTwin]:
    folder: Path = tmp_path_factory.mktemp("bank")
    (folder / "seed.toml").write_text(SEED)
    with run_sdk_twin(folder, seed=folder / "seed.toml") as twin:
        yield twin


@pytest.fixture
def bank(shop: SdkTwin) -> Any:
    shop.reset()
    return shop.gateway()


def vaulted(gateway: Any, nonce: str = NONCE, **options: Any) -> Any:
    customer = gateway.customer.create({}).customer
    asked = {"customer_id": customer.id, "payment_method_nonce": nonce, "options": options}
    result = gateway.payment_method.create(asked)
    assert result.is_success, result.message
    return result.payment_method


def verified(gateway: Any, number: str, way: str) -> Any:
    """The newest verification of a seeded account."""
    result = gateway.payment_method.update(
        f"account_{number}", {"options": {"us_bank_account_verification_method": way}}
    )
    assert result.is_success, result.message
    return result.payment_method.verifications[0]


def submitted(gateway: Any, *, ach_type: str | None = None, **fields: Any) -> Any:
    speed = {"us_bank_account": {"ach_type": ach_type}} if ach_type else {}
    return sale(gateway, options={"submit_for_settlement": True, **speed}, **fields)


def test_an_account_is_stored_with_its_mandate_and_its_network_check(bank: Any) -> None:
    account = vaulted(bank, us_bank_account_verification_method=WAYS.NetworkCheck)
    assert (account.routing_number, account.last_4, account.account_type) == ("123456789", "0000", "checking")
    assert (account.account_holder_name, account.bank_name) == ("Marty McFly", "Wells Fargo")
    assert account.ach_mandate.text == "example mandate text"
    assert isinstance(account.ach_mandate.accepted_at, datetime)
    assert account.verified is True
    (checked,) = account.verifications
    assert (checked.status, checked.verification_method, checked.processor_response_code) == (
        "verified",
        WAYS.NetworkCheck,
        "1000",
    )
    assert bank.us_bank_account.find(account.token).verified
    assert bank.us_bank_account_verification.find(checked.id) == checked
    assert not hasattr(account, "_trigger")
    with pytest.raises(NotFoundError):
        bank.us_bank_account_verification.find("unknown")


@pytest.mark.parametrize(
    ("number", "way", "status", "code", "more"),
    [
        ("1000000000", WAYS.NetworkCheck, "verified", "1000", None),
        ("1000000001", WAYS.NetworkCheck, "verified", "1003", None),
        ("1000000002", WAYS.NetworkCheck, "failed", "3000", None),
        ("1000000005", WAYS.NetworkCheck, "processor_declined", "2061", "Invalid routing number"),
        ("4242424242", WAYS.NetworkCheck, "processor_declined", "2038", None),
        ("1000000003", WAYS.MicroTransfers, "processor_declined", "2005", None),
        ("4242424242", WAYS.MicroTransfers, "pending", "1000", None),
        ("4242424242", WAYS.IndependentCheck, "verified", "1000", None),
    ],
)
def test_the_published_account_numbers_decide_a_verification(
    bank: Any, number: str, way: str, status: str, code: str, more: str | None
) -> None:
    found = verified(bank, number, way)
    assert (found.status, found.processor_response_code, found.additional_processor_response) == (status, code, more)
    assert bank.us_bank_account.find(f"account_{number}").verified is (status == "verified")


def test_an_account_pays_only_after_its_verification(bank: Any) -> None:
    account = vaulted(bank)
    assert (account.verified, account.verifications) == (False, [])
    asked = {"amount": "10.00", "payment_method_token": account.token, "options": {"submit_for_settlement": True}}
    assert codes_on(bank.transaction.sale(dict(asked)), "transaction", "payment_method_token") == ["915172"]
    assert bank.us_bank_account.find(account.token).verified is False
    bank.payment_method.update(account.token, {"options": {"us_bank_account_verification_method": "network_check"}})
    paid = bank.transaction.sale(asked).transaction
    assert (paid.status, paid.us_bank_account.last_4) == ("settlement_pending", "0000")
    exempt = vaulted(bank, verification_merchant_account_id="shop_exempt")
    assert (exempt.verified, exempt.verifications[0].verification_method) == (True, WAYS.IndependentCheck)


def test_micro_transfers_are_confirmed_at_once_or_when_they_have_arrived(bank: Any, shop: SdkTwin) -> None:
    confirm = bank.us_bank_account_verification.confirm_micro_transfer_amounts
    at_once = verified(bank, "1000000000", WAYS.MicroTransfers)
    result = confirm(at_once.id, [29, 17])
    assert result.is_success
    assert result.us_bank_account_verification.status == "verified"
    assert bank.us_bank_account.find("account_1000000000").verified
    later = verified(bank, "1000000001", WAYS.MicroTransfers)
    assert confirm(later.id, [17, 29]).us_bank_account_verification.status == "pending"
    assert codes(confirm(later.id, [17, 29])) == ["96105"]
    shop.advance(days=1)
    assert bank.us_bank_account_verification.find(later.id).status == "verified"
    other = verified(bank, "4242424242", WAYS.MicroTransfers)
    (deposits,) = [one for one in shop.control.bank_verifications() if one.id == other.id]
    assert confirm(other.id, deposits.deposits).us_bank_account_verification.status == "pending"


def test_wrong_amounts_are_counted_until_the_verification_is_closed(bank: Any) -> None:
    confirm = bank.us_bank_account_verification.confirm_micro_transfer_amounts
    pending = verified(bank, "1000000000", WAYS.MicroTransfers)
    for amounts in ([], [17], [17, 29, 1], [0, 29], ["x", 29]):
        assert codes(confirm(pending.id, amounts)) == ["96106"]
    for _ in range(4):
        assert codes_on(confirm(pending.id, [1, 1]), "us_bank_account_verification", "base") == ["96103"]
    assert codes(confirm(pending.id, [1, 1])) == ["96104"]
    assert bank.us_bank_account_verification.find(pending.id).status == "gateway_rejected"
    assert codes(confirm(pending.id, [17, 29])) == ["96104"]
    network = verified(bank, "1000000000", WAYS.NetworkCheck)
    assert codes(confirm(network.id, [17, 29])) == ["96102"]
    assert codes(
        bank.payment_method.update("account_1000000000", {"options": {"us_bank_account_verification_method": "x"}})
    ) == ["93121"]


def test_verifications_are_searched(bank: Any) -> None:
    account = vaulted(bank, us_bank_account_verification_method=WAYS.IndependentCheck)
    other = verified(bank, "4242424242", WAYS.MicroTransfers)
    for criterion, found in (
        (Search.customer_id == account.customer_id, account.verifications[0]),
        (Search.verification_method.in_list([WAYS.IndependentCheck]), account.verifications[0]),
        (Search.status.in_list(["pending"]), other),
        (Search.account_number.ends_with("4242"), other),
        (Search.routing_number == "123456789", None),
        (Search.account_type == "savings", ()),
    ):
        expected = {account.verifications[0].id, other.id} if found is None else {each.id for each in [found] if each}
        assert {each.id for each in bank.us_bank_account_verification.search(criterion).items} == expected


def test_the_bank_settles_after_three_days_and_the_money_is_disbursed_a_day_later(bank: Any, shop: SdkTwin) -> None:
    with shop.receive_webhooks() as inbox:
        paid = submitted(bank, payment_method_nonce=NONCE, amount="10.00")
        assert paid.status == "settlement_pending"
        assert paid.processor_settlement_response_code == "4002"
        shop.advance(days=2, hours=23)
        assert bank.transaction.find(paid.id).status == "settlement_pending"
        shop.advance(hours=2)
        settled = bank.transaction.find(paid.id)
        assert [each.status for each in settled.status_history] == [
            "authorized",
            "submitted_for_settlement",
            "settlement_pending",
            "settled",
        ]
        assert settled.processor_settlement_response_code == "4000"
        assert inbox.wait_for("transaction_settled").transaction.id == paid.id
        shop.advance(days=1)
        assert bank.transaction.find(paid.id).disbursement_details.is_valid
        refund = bank.transaction.refund(paid.id, "4.00").transaction
        assert refund.status == "settlement_pending"
        shop.advance(days=10)
        assert bank.transaction.find(refund.id).status == "settled"


def test_the_bank_declines_trigger_amounts_with_a_return(bank: Any, shop: SdkTwin) -> None:
    with shop.receive_webhooks() as inbox:
        paid = submitted(bank, payment_method_nonce=NONCE, amount="4001.00")
        shop.advance(days=4)
        declined = bank.transaction.find(paid.id)
        assert declined.status == "settlement_declined"
        assert [each["reason_code"] for each in declined.ach_return_responses] == ["R01"]
        assert inbox.wait_for("transaction_settlement_declined").transaction.id == paid.id
        found = bank.transaction.search(TransactionSearch.reason_code == "R01")
        assert [each.id for each in found.items] == [paid.id]


def test_the_bank_returns_a_payment_after_it_seemed_to_settle(bank: Any, shop: SdkTwin) -> None:
    with shop.receive_webhooks() as inbox:
        paid = submitted(bank, payment_method_nonce=NONCE, amount="12.00")
        shop.advance(days=4)
        shop.control.return_by_bank(paid.id, "R10")
        returned = bank.transaction.find(paid.id)
        assert (returned.status, returned.ach_return_responses[0]["reason_code"]) == ("settlement_declined", "R10")
        inbox.wait_for("transaction_settlement_declined")
        assert [kind for kind in inbox.kinds if kind.startswith("transaction_settle")] == [
            "transaction_settled",
            "transaction_settlement_declined",
        ]


def test_a_payment_that_never_reached_the_bank_says_why(bank: Any, shop: SdkTwin) -> None:
    paid = submitted(bank, payment_method_nonce=NONCE, amount="12.10")
    assert (paid.ach_return_code, paid.ach_reject_reason) == (None, None)
    with pytest.raises(ControlError, match="with the reason_code RJCT"):
        shop.control.return_by_bank(paid.id, "R01", "too far away")
    shop.control.return_by_bank(paid.id, "RJCT", "The account is outside of the U.S.")
    rejected = bank.transaction.find(paid.id)
    assert rejected.status == "settlement_declined"
    assert (rejected.ach_return_code, rejected.ach_reject_reason) == ("RJCT", "The account is outside of the U.S.")
    assert rejected.ach_return_responses == []
    any_return = TransactionSearch.reason_code == "any_reason_code"
    assert paid.id not in {each.id for each in bank.transaction.search(any_return).items}


def test_the_mandate_of_a_payment_is_the_one_that_it_names(bank: Any) -> None:
    paid = submitted(
        bank,
        payment_method_nonce=NONCE,
        us_bank_account={"ach_mandate_text": "I agree", "ach_mandate_accepted_at": ACCEPTED},
    )
    assert paid.us_bank_account.ach_mandate.text == "I agree"
    assert paid.us_bank_account.ach_mandate.accepted_at == ACCEPTED


def test_payments_of_the_same_day_settle_earlier_and_are_found_by_their_type(bank: Any, shop: SdkTwin) -> None:
    fast, slow = (submitted(bank, payment_method_nonce=NONCE, ach_type=asked) for asked in (SAME_DAY, STANDARD))
    plain = submitted(bank, payment_method_nonce=NONCE)
    assert [(each.ach_type, each.requested_ach_type) for each in (fast, slow, plain)] == [
        (SAME_DAY, SAME_DAY),
        (STANDARD, STANDARD),
        (STANDARD, STANDARD),
    ]
    ours = TransactionSearch.ids.in_list([fast.id, slow.id, plain.id])
    found = bank.transaction.search(ours, TransactionSearch.ach_type == SAME_DAY)
    assert [each.id for each in found.items] == [fast.id]
    shop.advance(days=1)
    assert [bank.transaction.find(each.id).status for each in (fast, slow)] == ["settled", "settlement_pending"]
    refused = bank.transaction.sale(
        {"amount": "10.00", "payment_method_nonce": NONCE, "options": {"us_bank_account": {"ach_type": "next_week"}}}
    )
    assert "options.us_bank_account.ach_type must be one of same_day, standard" in refused.message


def test_sepa_accounts_are_vaulted_charged_and_searched(bank: Any, shop: SdkTwin) -> None:
    account = vaulted(bank, SEPA_NONCE)
    assert isinstance(account, braintree.SepaDirectDebitAccount)
    assert (account.bank_reference_token, account.mandate_type, account.last_4) == (
        "a-fake-bank-reference-token",
        "RECURRENT",
        "1234",
    )
    assert account.merchant_or_partner_customer_id == "a-fake-mp-customer-id"
    paid = submitted(bank, payment_method_token=account.token)
    details = paid.sepa_direct_debit_account_details
    assert (paid.status, details.last_4, paid.payment_instrument_type) == ("settling", "1234", "sepa_debit_account")
    assert details.capture_id
    assert (details.paypal_v2_order_id, details.settlement_type, details.debug_id) == (None, None, None)
    kind = TransactionSearch.payment_instrument_type == "SEPADebitAccount"
    assert [each.id for each in bank.transaction.search(kind).items] == [paid.id]
    shop.advance(days=7)
    settled = bank.transaction.find(paid.id)
    assert settled.status == "settled"
    order_id = settled.sepa_direct_debit_account_details.paypal_v2_order_id
    order = TransactionSearch.sepa_debit_paypal_v2_order_id == order_id
    assert [each.id for each in bank.transaction.search(order).items] == [paid.id]
    assert bank.sepa_direct_debit_account.delete(account.token).is_success
    with pytest.raises(NotFoundError):
        bank.sepa_direct_debit_account.find(account.token)


def test_a_blank_order_id_finds_the_sepa_payments_that_have_none(bank: Any, shop: SdkTwin) -> None:
    submitted(bank, payment_method_nonce="fake-valid-nonce")
    first = submitted(bank, payment_method_nonce=SEPA_NONCE)

    def found(order: Any) -> list[str]:
        return [each.id for each in bank.transaction.search(order).items]

    blank = TransactionSearch.sepa_debit_paypal_v2_order_id == ""
    assert found(blank) == [first.id]
    shop.advance(days=7)
    second = submitted(bank, payment_method_nonce=SEPA_NONCE)
    assert found(blank) == [second.id]
    order_id = bank.transaction.find(first.id).sepa_direct_debit_account_details.paypal_v2_order_id
    assert found(TransactionSearch.sepa_debit_paypal_v2_order_id != order_id) == [second.id]


def test_local_payments_are_charged_once_and_never_vaulted(bank: Any, shop: SdkTwin) -> None:
    paid = submitted(bank, payment_method_nonce="fake-local-payment-method-nonce")
    details = paid.local_payment_details
    assert (paid.status, details.funding_source, paid.payment_instrument_type) == ("settling", "ideal", "local_payment")
    assert all((details.payer_id, details.payment_id, details.capture_id, details.debug_id))
    customer = bank.customer.create({}).customer
    asked = {"customer_id": customer.id, "payment_method_nonce": "fake-local-payment-method-nonce"}
    assert not bank.payment_method.create(asked).is_success
    shop.settle()
    assert bank.transaction.find(paid.id).status == "settled"
    assert bank.transaction.refund(paid.id).is_success


def test_a_local_payment_settles_by_the_clock(bank: Any, shop: SdkTwin) -> None:
    with shop.receive_webhooks() as inbox:
        paid = submitted(bank, payment_method_nonce="fake-local-payment-method-nonce")
        fails = submitted(bank, payment_method_nonce="fake-local-payment-method-nonce", amount="4001.00")
        shop.advance(hours=20)
        assert bank.transaction.find(paid.id).status == "settling"
        shop.advance(hours=5)
        assert bank.transaction.find(paid.id).status == "settled"
        assert bank.transaction.find(fails.id).status == "settlement_declined"
        assert inbox.wait_for("transaction_settled").transaction.id == paid.id
        assert inbox.wait_for("transaction_settlement_declined").transaction.id == fails.id
        shop.advance(days=1)
        assert inbox.wait_for("transaction_disbursed").transaction.id == paid.id


def test_meta_checkout_is_charged_and_searched(bank: Any) -> None:
    card = submitted(bank, payment_method_nonce="fake-meta-checkout-card-nonce")
    token = submitted(bank, payment_method_nonce="fake-meta-checkout-token-nonce")
    assert card.meta_checkout_card_details.cardholder_name == "Meta Checkout Card Cardholder"
    assert token.meta_checkout_token_details.cardholder_name == "Meta Checkout Token Cardholder"
    search = TransactionSearch.payment_instrument_type == "MetaCheckout"
    assert {each.id for each in bank.transaction.search(search).items} == {card.id, token.id}
