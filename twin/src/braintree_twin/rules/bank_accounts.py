"""US bank accounts: the published test numbers, the ways of verification, and the lives of bank payments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

US_BANK_ACCOUNT, SEPA, LOCAL_PAYMENT = "us_bank_account", "sepa_debit_account", "local_payment"
NETWORK_CHECK, INDEPENDENT_CHECK, MICRO_TRANSFERS = "network_check", "independent_check", "micro_transfers"
INSTANT_CHECK = "instant_verification_account_validation"
WAYS = (NETWORK_CHECK, INDEPENDENT_CHECK, MICRO_TRANSFERS, INSTANT_CHECK, "tokenized_check")
VERIFIED, PENDING = "verified", "pending"
# The keys of an instrument that no answer shows: the behaviour of the account, and an earlier instant verification.
TRIGGER, INSTANTLY_VERIFIED = "_trigger", "_instantly_verified"
# The time from submission to settlement, on calendar days (inferred: banks take two to four).
SETTLED_AFTER = {US_BANK_ACCOUNT: timedelta(days=3), SEPA: timedelta(days=6)}
# A local payment settles in its own time, too (inferred: PayPal takes about a day).
LOCAL_PAYMENT_SETTLED_AFTER = timedelta(days=1)
SAME_DAY, STANDARD = "same_day", "standard"
ACH_TYPES = (SAME_DAY, STANDARD)
# Kinds that banks settle one by one, outside of the batch.
BANK_KINDS = frozenset(SETTLED_AFTER)
DECLINED_CODE = "R01"
# R01 (ACH), AC04 (SEPA), or a reject before the bank was asked.
REJECTED = "RJCT"
RETURN_CODE = re.compile(rf"R[0-9]{{2}}|[A-Z]{{2}}[0-9]{{2}}|{REJECTED}", re.ASCII)

DEPOSITS = (17, 29)
# A wrong amount may be tried so often; the next attempt is refused.
MAX_ATTEMPTS = 4
DEPOSITS_ARRIVE_AFTER = timedelta(days=1)
AT_ONCE, LATER = "1000000000", "1000000001"


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of a verification."""

    status: str
    code: str
    additional: str | None = None


_APPROVED = Check(VERIFIED, "1000")
_UNAVAILABLE = Check("failed", "3000")
_NO_DATA = Check("processor_declined", "2092")
# The published account numbers for network checks.
_NETWORK = {
    "1000000000": _APPROVED,
    "1000000001": Check(VERIFIED, "1003"),
    "1000000002": _UNAVAILABLE,
    "1000000004": Check("processor_declined", "2046"),
    "1000000005": Check("processor_declined", "2061", "Invalid routing number"),
    "1000000006": _NO_DATA,
    "1000000007": _NO_DATA,
    "1000000008": Check("processor_declined", "2061", "Invalid account number"),
    "1000000009": Check("processor_declined", "2061", "Invalid account type"),
}
# The published account numbers for micro-transfers; others are pending, with deposits of any amount.
_MICRO = {"1000000002": _UNAVAILABLE, "1000000003": Check("processor_declined", "2005")}
# Account numbers with a behaviour; of others, nothing but the last four digits is stored.
TEST_NUMBERS = frozenset(_NETWORK) | frozenset(_MICRO)


def ach_type(kind: str, asked: str | None) -> str | None:
    """The speed of a bank payment: standard unless the request asked for same_day; None for other kinds."""
    return (asked or STANDARD) if kind == US_BANK_ACCOUNT else None


def settled_after(kind: str, asked: str | None) -> timedelta:
    """The time from submission to settlement; inferred: a payment of the same day settles a day later."""
    return timedelta(days=1) if ach_type(kind, asked) == SAME_DAY else SETTLED_AFTER[kind]


def check(way: str, trigger: str | None) -> Check:
    """The outcome of a verification by this way, for the account with this published number."""
    if way == NETWORK_CHECK:
        return _NETWORK.get(trigger or "", Check("processor_declined", "2038"))
    if way == MICRO_TRANSFERS:
        return _MICRO.get(trigger or "", Check(PENDING, "1000"))
    return _APPROVED
