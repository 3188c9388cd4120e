"""Every validation code of the SDK is about something, and only what pays can be declined."""

from __future__ import annotations

import re

import pytest

from adapters.braintree.codes import declines, refusals
from adapters.braintree.codes.declines import CodeKind
from adapters.braintree.codes.refusals import CAUSE_BY_CODE, cause_of, groups
from application.ports.gateway import RefusalCause

DECLINES = declines.PUBLISHED[CodeKind.VALIDATION]
# Named after a record or an account, and yet about what the shopper chose to pay with: another method cures them.
ABOUT_WHAT_PAYS = {
    "81509": "the card type of the customer's own method",
    "81737": "the bank compared the postal code with the card",
    "81763": "the very card is stored already",
    "91516": "the stored method is another customer's",
    "91577": "the account does not take this kind of instrument",
    "91617": "the nonce stands for another customer's method",
}
# By the names that the SDK gives them, so that a new code of such a name is seen.
OF_CUSTOMERS = re.compile(r"^Customer\.|CustomerId|CustomerDoesNot|DoesntMatchCustomer")
OF_ADDRESSES = re.compile(r"^Address\.|BillingAddress|ShippingAddress|PostalCode|PhoneNumber")
OF_ACCOUNTS = re.compile(r"MerchantAcc?ount|^Merchant\.|^OAuth\.|^AuthorizationFingerprint\.|ProcessorDoesNotSupport")


def named(pattern: re.Pattern[str]) -> dict[str, str]:
    return {code: name for code, name in groups().items() if pattern.search(name) and code not in ABOUT_WHAT_PAYS}


def test_the_sdk_is_read_whole() -> None:
    assert len(groups()) > 650
    assert groups()["81604"] == "Customer.EmailFormatIsInvalid"


@pytest.mark.parametrize("kind", [OF_CUSTOMERS, OF_ADDRESSES, OF_ACCOUNTS])
def test_no_code_of_a_customer_an_address_or_an_account_is_a_decline(kind: re.Pattern[str]) -> None:
    codes = named(kind)
    assert len(codes) > 20
    assert {code: name for code, name in codes.items() if declines.validation_decline([code])} == {}


@pytest.mark.parametrize("code", sorted(groups()))
def test_every_code_is_a_decline_of_what_pays_or_has_a_cause_and_a_text(code: str) -> None:
    cause, told_code = cause_of([code])
    assert told_code == code
    assert code in refusals.describe([code])
    if code in DECLINES:
        assert cause is RefusalCause.REQUEST or code in ABOUT_WHAT_PAYS


def test_every_code_of_an_account_is_the_merchants_to_mend() -> None:
    ours = {"93615", "83603"}
    causes = {code: cause_of([code])[0] for code in named(OF_ACCOUNTS) if code not in ours}
    assert {c: cause for c, cause in causes.items() if cause is not RefusalCause.MERCHANT_ACCOUNT} == {}


def test_every_code_of_the_vaults_own_groups_can_be_cured_or_is_ours() -> None:
    for code, name in groups().items():
        cause = cause_of([code])[0]
        if name.startswith("Customer."):
            assert code in ABOUT_WHAT_PAYS or cause in (RefusalCause.CUSTOMER_DETAILS, RefusalCause.REQUEST), name
        if name.startswith("Address."):
            assert cause in (RefusalCause.BILLING_ADDRESS, RefusalCause.REQUEST), name


@pytest.mark.parametrize("code", ["91510", "91705", "92804", "93105"])
def test_an_unknown_customer_is_made_anew(code: str) -> None:
    assert cause_of([code]) == (RefusalCause.CUSTOMER_UNKNOWN, code)


@pytest.mark.parametrize("code", ["81604", "81605", "81608", "81613", "81614", "91625", "91626"])
def test_refused_details_of_a_customer_are_left_out(code: str) -> None:
    assert cause_of([code])[0] is RefusalCause.CUSTOMER_DETAILS


@pytest.mark.parametrize("code", ["81801", "81809", "81813", "91814", "91815", "91818", "91826", "915206"])
def test_a_refused_address_is_left_out(code: str) -> None:
    assert cause_of([code])[0] is RefusalCause.BILLING_ADDRESS


@pytest.mark.parametrize("code", ["81808", "81811", "81828"])
def test_an_address_that_is_missing_is_asked_for(code: str) -> None:
    assert cause_of([code])[0] is RefusalCause.REQUEST
    assert "send billing_address" in refusals.describe([code])


@pytest.mark.parametrize("code", ["91513", "91514", "92203", "92807", "93513"])
def test_an_account_that_is_not_set_up_names_the_setting(code: str) -> None:
    assert cause_of([code])[0] is RefusalCause.MERCHANT_ACCOUNT
    assert "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS" in refusals.describe([code])


def test_an_incurable_code_outweighs_the_others() -> None:
    assert cause_of(["81604", "81813"]) == (RefusalCause.CUSTOMER_DETAILS, "81604")
    assert cause_of(["81604", "91513"]) == (RefusalCause.MERCHANT_ACCOUNT, "91513")
    assert cause_of(["81813", "99999"]) == (RefusalCause.REQUEST, "99999")
    assert cause_of([]) == (RefusalCause.REQUEST, "")


def test_the_table_holds_only_codes_that_the_sdk_knows() -> None:
    assert set(CAUSE_BY_CODE) <= set(groups())
