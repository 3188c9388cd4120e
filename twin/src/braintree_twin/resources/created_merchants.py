"""Merchants that an OAuth application creates, with an access token to act for each of them."""

from __future__ import annotations

import re

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotAuthenticated
from braintree_twin.merchants import Merchant, MerchantAccount, Merchants
from braintree_twin.oauth.grants import create_grant, renew
from braintree_twin.params import Params
from braintree_twin.request_schema import schema
from braintree_twin.routing import CREATED_MERCHANTS
from braintree_twin.rules.countries import COUNTRIES, Country
from braintree_twin.rules.currencies import KNOWN_CURRENCIES, currency_of_country
from braintree_twin.state.records import CreatedMerchant
from braintree_twin.state.store import Store
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.views.merchant_accounts import merchant_account
from braintree_twin.xml_writer import Elements, Node, Timestamp

ROOT = "merchant"
# The table has no merchant of its own for records of new merchants.
NOBODY = ""
PAYMENT_METHODS = ("credit_card", "paypal")
EMAIL_REQUIRED, EMAIL_INVALID = "83601", "93602"
COUNTRY_REQUIRED, METHODS_INVALID, CURRENCIES_INVALID = "83603", "93613", "93614"
# Field of a country -> the error code of an unknown one.
_COUNTRY_FIELDS = {
    "country_code_alpha2": "93607",
    "country_code_alpha3": "93605",
    "country_code_numeric": "93609",
    "country_name": "93611",
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def create(call: Call) -> Answer:
    """Create a merchant. Its default account takes the currency of its country."""
    if not call.merchant.has_client_credentials(call.headers.get("authorization", "")):
        raise NotAuthenticated
    params = call.params(ROOT)
    errors = Errors()
    country = _read(params, errors.on(ROOT))
    if errors or country is None:
        raise ValidationFailed(errors)
    own = currency_of_country(country.alpha3)
    currencies = params.texts("currencies") or [own]
    record = CreatedMerchant(
        id=f"{call.ids.token()}{call.ids.token()}",
        email=params.text("email") or "",
        company_name=params.text("company_name") or params.text("email") or "",
        currencies=sorted(currencies, key=lambda each: each != own),
        public_key=call.ids.keyed_hash(call.ids.dispute())[:16],
        private_key=call.ids.keyed_hash(call.ids.dispute())[:32],
    )
    call.store.created_merchants.put(NOBODY, record)
    made = merchant_of(record)
    call.add_merchant(made)
    grant = renew(call, made.id, create_grant(call, made.id, call.merchant.client_id, "read_write"))
    credentials: Node = {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "expires_at": Timestamp(grant.expires_at or ""),
        "token_type": "bearer",
    }
    return Answer("response", {ROOT: _view(made, record, country), "credentials": credentials}, 201)


def _read(params: Params, errors: Errors) -> Country | None:
    email = params.text("email")
    if email is None or not _EMAIL.fullmatch(email):
        errors.add("email", EMAIL_INVALID if email else EMAIL_REQUIRED)
    if not set(params.texts("payment_methods")) <= set(PAYMENT_METHODS):
        errors.add("payment_methods", METHODS_INVALID)
    if not set(params.texts("currencies")) <= set(KNOWN_CURRENCIES):
        errors.add("currencies", CURRENCIES_INVALID)
    for name, code in _COUNTRY_FIELDS.items():
        given = params.text(name)
        if given is not None:
            short = name.removeprefix("country_code_").removeprefix("country_")
            found = next((each for each in COUNTRIES if getattr(each, short) == given), None)
            errors.add(name, None if found else code)
            return found
    errors.add("base", COUNTRY_REQUIRED)
    return None


def _view(made: Merchant, record: CreatedMerchant, country: Country) -> dict[str, Node]:
    return {
        "id": made.id,
        "email": record.email,
        "company_name": record.company_name,
        "country_code_alpha2": country.alpha2,
        "country_code_alpha3": country.alpha3,
        "country_code_numeric": country.numeric,
        "country_name": country.name,
        "merchant_accounts": Elements("merchant_account", [merchant_account(each) for each in made.accounts]),
    }


def merchant_of(record: CreatedMerchant) -> Merchant:
    """The merchant; the first currency is its default account's."""
    first = record.currencies[0]
    return Merchant(
        id=record.id,
        public_key=record.public_key,
        private_key=record.private_key,
        company_name=record.company_name,
        accounts=tuple(
            MerchantAccount(id=currency, currency=currency, default=currency == first) for currency in record.currencies
        ),
        application_complete=False,
    )


def restore_merchants(store: Store, merchants: Merchants) -> None:
    """Load the merchants that were created before a restart."""
    for record in store.created_merchants.find(NOBODY):
        merchants.add(merchant_of(record))


ROUTES = (
    Route(
        "POST",
        CREATED_MERCHANTS,
        create,
        needs_keys=False,
        takes={
            ROOT: schema(
                "email company_name payment_methods currencies country_code_alpha2 country_code_alpha3 "
                "country_code_numeric country_name",
                no_effect="paypal_account business scope",
            )
        },
    ),
)
