"""Verifies US bank accounts: network checks, independent checks, micro-transfers."""

from __future__ import annotations

import random

from braintree_twin.calls import Call
from braintree_twin.clock import stamp
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules.bank_accounts import (
    AT_ONCE,
    DEPOSITS,
    DEPOSITS_ARRIVE_AFTER,
    INDEPENDENT_CHECK,
    INSTANT_CHECK,
    INSTANTLY_VERIFIED,
    LATER,
    MICRO_TRANSFERS,
    PENDING,
    TRIGGER,
    US_BANK_ACCOUNT,
    VERIFIED,
    WAYS,
    check,
)
from braintree_twin.state.records import BankVerification, Fields, PaymentMethod
from braintree_twin.validation import Errors

WAY_INVALID = "93121"
MANDATE_FIELDS = ("ach_mandate_text", "ach_mandate_accepted_at")


def read_way(params: Params, errors: Errors) -> str | None:
    """The way of verification that the options ask for. Adds to `errors`."""
    name = "us_bank_account_verification_method"
    given = params.section("options").text(name)
    errors.on("options").add(name, WAY_INVALID if given is not None and given not in WAYS else None)
    return given


def read_mandate(params: Params) -> Fields:
    """The text of the mandate and the time of its acceptance, if the request has them."""
    section = params.section(US_BANK_ACCOUNT)
    return {name: section.text(name) for name in MANDATE_FIELDS if section.has(name)}


def way_of(account: MerchantAccount, wallet: Fields, asked: str | None) -> str | None:
    """The way of verification: the one that is asked for, or the account's own, or an earlier instant one."""
    if asked is None and wallet.get(INSTANTLY_VERIFIED):
        return INSTANT_CHECK
    if asked is None and account.bank_accounts_exempt:
        return INDEPENDENT_CHECK
    return asked


def verify_bank_account(call: Call, method: PaymentMethod, way: str, account: MerchantAccount) -> BankVerification:
    """Verify a vaulted account, and store the verification."""
    trigger = method.wallet.get(TRIGGER)
    outcome = check(way, trigger)
    now = call.clock.stamp()
    record = BankVerification(
        id=call.ids.bank_verification(),
        status=outcome.status,
        method=way,
        created_at=now,
        updated_at=now,
        merchant_account_id=account.id,
        token=method.token,
        customer_id=method.customer_id,
        account=dict(method.wallet),
        processor_response_code=outcome.code,
        additional_processor_response=outcome.additional,
        determined_at=None if outcome.status == PENDING else now,
    )
    if record.status == PENDING:
        record.deposits = list(DEPOSITS) if trigger in (AT_ONCE, LATER) else random.sample(range(1, 100), 2)
    call.store.bank_verifications.put(call.merchant.id, record)
    return record


def verifications_of(call: Call, token: str) -> list[BankVerification]:
    """The verifications of an account, newest first."""
    apply_due(call)
    return call.store.bank_verifications.find(call.merchant.id, newest_first=True, token=token)


def is_verified(call: Call, token: str) -> bool:
    return any(each.status == VERIFIED for each in verifications_of(call, token))


def confirm(call: Call, record: BankVerification) -> None:
    """Take the confirmed amounts: verified at once, or when the deposits have arrived."""
    if record.account.get(TRIGGER) == AT_ONCE:
        _determine(call, record)
    else:
        record.due_at = stamp(call.clock.now() + DEPOSITS_ARRIVE_AFTER)
    call.store.bank_verifications.put(call.merchant.id, record)


def _determine(call: Call, record: BankVerification) -> None:
    record.status, record.due_at = VERIFIED, None
    record.determined_at = record.updated_at = call.clock.stamp()


def apply_due(call: Call) -> int:
    """Verify the accounts whose confirmed deposits have arrived; returns their number."""
    due = list(call.store.bank_verifications.scan(call.merchant.id, [("due_at <= ?", call.clock.stamp())]))
    for record in due:
        _determine(call, record)
        call.store.bank_verifications.put(call.merchant.id, record)
    return len(due)


def is_micro_transfer(record: BankVerification) -> bool:
    return record.method == MICRO_TRANSFERS
