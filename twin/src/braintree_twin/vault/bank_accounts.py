"""Makes the instrument of a US bank account. Of its number, only the last four digits are stored."""

from __future__ import annotations

from braintree_twin.rules.bank_accounts import INSTANTLY_VERIFIED, TEST_NUMBERS, TRIGGER, US_BANK_ACCOUNT
from braintree_twin.state.records import Fields
from braintree_twin.vault.instruments import Instrument

# The banks of routing numbers that the published examples name.
BANKS = {"021000021": "JPMORGAN CHASE", "071000013": "JPMORGAN CHASE", "307075259": "US BANK", "011000015": "FED BANK"}


def account_number_fields(number: str) -> Fields:
    """The last four digits, and the number itself if it is a published one with a behaviour."""
    return {"last_4": number[-4:], **({TRIGGER: number} if number in TEST_NUMBERS else {})}


def of_bank_account(
    routing_number: str, account_number: str, *, instantly_verified: bool = False, **fields: str | None
) -> Instrument:
    """The instrument of the account. `fields` are those that answers show, such as account_type, and the mandate's."""
    wallet: Fields = {
        "routing_number": routing_number,
        "bank_name": BANKS.get(routing_number, "UNKNOWN"),
        **account_number_fields(account_number),
        **fields,
    }
    if instantly_verified:
        wallet[INSTANTLY_VERIFIED] = "true"
    return Instrument(kind=US_BANK_ACCOUNT, wallet=wallet)
