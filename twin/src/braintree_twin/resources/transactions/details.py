"""Fields of a transaction that the gateway validates and stores unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass

from braintree_twin.calls import Call
from braintree_twin.errors import Unprocessable
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.resources.transactions.common import MAX_TEXT_LENGTH, check_order_id
from braintree_twin.rules.bank_accounts import ACH_TYPES, US_BANK_ACCOUNT
from braintree_twin.rules.customers import read_custom_fields, without_blank
from braintree_twin.rules.descriptors import read_descriptor
from braintree_twin.rules.industry_data import check_industry
from braintree_twin.rules.line_items import read_line_items
from braintree_twin.rules.money import SALE_AMOUNTS, canonical
from braintree_twin.rules.transfers import read_facilitator
from braintree_twin.validation import Errors

SOURCES = {
    "recurring": True,
    "recurring_first": True,
    "installment": False,
    "installment_first": False,
    "unscheduled": False,
    "merchant": False,
    "moto": False,
    "estimated": False,
}
MAX_PURCHASE_ORDER_LENGTH = 17
MAX_POSTAL_CODE_LENGTH = 9
MAX_QUOTE_LENGTH = 4000
MAX_INSTALLMENTS = 12
SCA_EXEMPTIONS = ("low_value", "secure_corporate", "trusted_beneficiary", "transaction_risk_analysis")
SHIPPING_METHODS = ("same_day", "next_day", "priority", "ground", "electronic", "ship_to_store", "pickup_in_store")
CURRENCY_OF_NO_ACCOUNT = "915214"
SERVICE_FEE_ON_CREDIT, SERVICE_FEE_ON_MASTER = "91552", "91557"
CUSTOM_FIELD_CODES = {"invalid": "91526", "too_long": "81527"}

_POSTAL_CODE = re.compile(r"[A-Za-z0-9 \-]*")
# E.164: no phone number has more than 15 digits.
_PHONE = re.compile(r"(?:[()+\-. ]*[0-9]){1,15}[()\-. ]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of a text field, and the error code if it does not match."""

    field: str
    pattern: re.Pattern[str]
    code: str

    def check(self, params: Params, errors: Errors) -> None:
        text = params.text(self.field)
        errors.add(self.field, self.code if text and not self.pattern.fullmatch(text) else None)


_FORMS = (
    _Form("transaction_source", re.compile("|".join(SOURCES)), "915133"),
    _Form("sca_exemption", re.compile("|".join(SCA_EXEMPTIONS)), "915213"),
    _Form("product_sku", re.compile(r"[A-Za-z0-9_\-. ]+"), "915202"),
    _Form("processing_merchant_category_code", re.compile(r"[0-9]{4}", re.ASCII), "915265"),
    _Form("exchange_rate_quote_id", re.compile(rf".{{0,{MAX_QUOTE_LENGTH}}}", re.DOTALL), "915229"),
    _Form("channel", re.compile(rf".{{0,{MAX_TEXT_LENGTH}}}", re.DOTALL), "91550"),
)
_FORMS_OF_SECTIONS = {
    "billing": (_Form("phone_number", _PHONE, "915206"),),
    "shipping": (
        _Form("phone_number", _PHONE, "915204"),
        _Form("shipping_method", re.compile("|".join(SHIPPING_METHODS)), "915203"),
    ),
    "risk_data": (
        _Form("customer_browser", re.compile(r".{0,255}", re.DOTALL), "94701"),
        _Form("customer_device_id", re.compile(r".{0,255}", re.DOTALL), "94702"),
        _Form("customer_tenure", re.compile(r".{0,20}", re.DOTALL), "94706"),
    ),
}


def read_details(call: Call, params: Params, account: MerchantAccount, errors: Errors) -> dict[str, object]:
    """Read the fields that a new transaction stores."""
    source = params.text("transaction_source")
    for form in _FORMS:
        form.check(params, errors)
    for name, forms in _FORMS_OF_SECTIONS.items():
        for form in forms:
            form.check(params.section(name), errors.on(name))
    currency = params.text("currency_iso_code")
    errors.add("currency_iso_code", CURRENCY_OF_NO_ACCOUNT if currency not in (None, account.currency) else None)
    check_industry(params, account.currency, errors)
    _check_location(params.section("risk_data"), errors.on("risk_data"))
    return {
        "order_id": check_order_id(params, errors),
        "channel": params.text("channel"),
        "shipping_method": params.section("shipping").text("shipping_method"),
        "sca_exemption_requested": params.text("sca_exemption"),
        "foreign_retailer": params.flag("foreign_retailer"),
        "account_type": params.section("options").section("credit_card").text("account_type"),
        "device_data_captured": params.has("device_data"),
        "installment_count": _installment_count(params, account),
        "payment_facilitator": read_facilitator(params, account, errors),
        "descriptor": read_descriptor(params, errors),
        "custom_fields": without_blank(read_custom_fields(call.merchant, params, errors, **CUSTOM_FIELD_CODES)),
        "transaction_source": source,
        "recurring": SOURCES.get(source or "", False) or params.flag("recurring"),
        "requested_ach_type": _ach_type(params),
        **_read_service_fee(params, account, errors),
        **read_level_3(params, account.currency, errors),
    }


def _installment_count(params: Params, account: MerchantAccount) -> int | None:
    """The number of installments. Braintree publishes no error codes for them: the refusal is a message."""
    count = params.section("installments").text("count")
    if count is None:
        return None
    if not account.installments:
        raise Unprocessable(f"the merchant account {account.id} takes no installments: its seed has to say so")
    if not (count.isascii() and count.isdigit() and 2 <= int(count[:3]) <= MAX_INSTALLMENTS):
        raise Unprocessable(f"installments.count must be a number from 2 to {MAX_INSTALLMENTS}")
    return int(count)


def _ach_type(params: Params) -> str | None:
    """The speed of a bank payment. Braintree publishes no error code for it: the refusal is a message."""
    given = params.section("options").section(US_BANK_ACCOUNT).text("ach_type")
    if given is not None and given not in ACH_TYPES:
        raise Unprocessable(f"options.us_bank_account.ach_type must be one of {', '.join(ACH_TYPES)}")
    return given


def _check_location(risk: Params, errors: Errors) -> None:
    code = risk.text("customer_location_zip")
    if code and not _POSTAL_CODE.fullmatch(code):
        errors.add("customer_location_zip", "94703")
    elif code and len(code.replace("-", "").replace(" ", "")) > MAX_POSTAL_CODE_LENGTH:
        errors.add("customer_location_zip", "94705")


def _read_service_fee(params: Params, account: MerchantAccount, errors: Errors) -> dict[str, object]:
    """Refuse a service fee: it needs a sub-merchant account, and the twin has none."""
    fee, fault = SALE_AMOUNTS["service_fee_amount"].check(params.text("service_fee_amount"), account.currency)
    errors.add("service_fee_amount", fault)
    if fee is None:
        return {}
    if params.text("type") == "credit":
        errors.add("base", SERVICE_FEE_ON_CREDIT)
    else:
        errors.add("service_fee_amount", SERVICE_FEE_ON_MASTER)
    return {}


_LEVEL_3_AMOUNTS = ("tax_amount", "discount_amount", "shipping_amount", "shipping_tax_amount", "surcharge_amount")


def read_level_3(params: Params, currency: str, errors: Errors) -> dict[str, object]:
    """Read level 2 and level 3 data: taxes, shipping, line items. Sales and submissions for settlement take it."""
    kept: dict[str, object] = {
        "purchase_order_number": _purchase_order(params, errors),
        "ships_from_postal_code": _ships_from(params, errors),
        "tax_exempt": params.flag("tax_exempt"),
        "line_items": read_line_items(params, currency, errors),
    }
    for name in _LEVEL_3_AMOUNTS:
        amount, fault = SALE_AMOUNTS[name].check(params.text(name), currency)
        errors.add(name, fault)
        kept[name] = None if amount is None else canonical(amount, currency)
    return kept


def _purchase_order(params: Params, errors: Errors) -> str | None:
    number = params.text("purchase_order_number")
    if number and len(number) > MAX_PURCHASE_ORDER_LENGTH:
        errors.add("purchase_order_number", "91537")
    elif number and not number.isascii():
        errors.add("purchase_order_number", "91548")
    return number


def _ships_from(params: Params, errors: Errors) -> str | None:
    code = params.text("ships_from_postal_code")
    if code and not _POSTAL_CODE.fullmatch(code):
        errors.add("ships_from_postal_code", "915167")
    elif code and len(code.replace("-", "").replace(" ", "")) > MAX_POSTAL_CODE_LENGTH:
        errors.add("ships_from_postal_code", "915165")
    return code
