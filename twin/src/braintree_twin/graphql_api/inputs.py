"""Turns the inputs of mutations into the documents that the handlers of the XML API read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from braintree_twin.field_names import underscored
from braintree_twin.graphql_api.global_ids import legacy_id, token_or_nonce
from braintree_twin.xml_reader import Value

Input = Mapping[str, Any]
# The address's newer names.
_ADDRESS = {
    "addressLine1": "street_address",
    "addressLine2": "extended_address",
    "adminArea1": "region",
    "adminArea2": "locality",
    "countryCodeAlpha2": "country_code_alpha2",
    "countryCodeAlpha3": "country_code_alpha3",
}


def text(value: Any) -> str | None:
    """A scalar as the XML API has it."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def texts(given: Input, *names: str) -> dict[str, Value]:
    """The named fields that are given."""
    return {underscored(name): text(given[name]) for name in names if name in given}


def address(given: Input) -> dict[str, Value]:
    found: dict[str, Value] = {
        _ADDRESS.get(name, underscored(name)): text(value)
        for name, value in given.items()
        if name not in ("phone", "countryCode")
    }
    code = text(given.get("countryCode"))
    if code:
        found["country_code_alpha2" if len(code) == 2 else "country_code_alpha3"] = code
    phone = given.get("phone")
    if phone:
        number = {"country_code": text(phone["countryPhoneCode"]), "national_number": text(phone["phoneNumber"])}
        found["international_phone"] = {**number}
    return found


def custom_fields(given: Input) -> dict[str, Value]:
    fields = given.get("customFields")
    return {"custom_fields": {each["name"]: text(each.get("value")) for each in fields}} if fields else {}


def customer(given: Input) -> dict[str, Value]:
    known = texts(given, "company", "email", "firstName", "lastName", "fax", "website")
    if "phoneNumber" in given:
        known["phone"] = text(given["phoneNumber"])
    return {**known, **custom_fields(given)}


def _line_items(given: Input) -> dict[str, Value]:
    items = given.get("lineItems")
    if items is None:
        return {}
    return {"line_items": [{**texts(each, *each), "kind": str(each["kind"]).lower()} for each in items]}


def _level_3(given: Input) -> dict[str, Value]:
    """The inputs that charges and captures share."""
    found = texts(given, "amount", "orderId", "purchaseOrderNumber", "discountAmount", "surchargeAmount")
    found |= _line_items(given)
    if given.get("descriptor"):
        found["descriptor"] = texts(given["descriptor"], "name", "phone", "url")
    found |= texts(given.get("tax") or {}, "taxAmount", "taxExempt")
    shipping = given.get("shipping") or {}
    found |= texts(shipping, "shippingAmount", "shipsFromPostalCode")
    if shipping.get("shippingAddress"):
        found["shipping"] = address(shipping["shippingAddress"])
    return found


def capture(given: Input) -> dict[str, Value]:
    return {**_level_3(given.get("transaction") or {}), **texts(given, "apiRequestKey")}


def refund(given: Input) -> dict[str, Value]:
    asked = texts(given.get("refund") or {}, "amount", "orderId", "merchantAccountId")
    return {**asked, **texts(given, "apiRequestKey")}


def sale(given: Input, *, submit: bool) -> dict[str, Value]:
    """The sale that charges or authorizes a payment method."""
    asked: Input = given["transaction"]
    options: dict[str, Value] = {"submit_for_settlement": text(submit), **_vault_after(asked)}
    found: dict[str, Value] = {
        "type": "sale",
        **token_or_nonce(str(given["paymentMethodId"])),
        **_level_3(asked),
        **texts(asked, "merchantAccountId", "channel"),
        **texts(asked.get("riskData") or {}, "deviceData"),
        **custom_fields(asked),
    }
    if asked.get("paymentInitiator"):
        found["transaction_source"] = str(asked["paymentInitiator"]).lower()
    if asked.get("customerId"):
        found["customer_id"] = legacy_id(str(asked["customerId"]), "customer")
    if asked.get("customerDetails"):
        details = asked["customerDetails"]
        found["customer"] = {"email": text(details.get("email")), "phone": text(details.get("phoneNumber"))}
    card, own_options = _options(given.get("options") or {})
    return {**found, **card, "options": {**options, **own_options}}


def _vault_after(asked: Input) -> dict[str, Value]:
    criteria = (asked.get("vaultPaymentMethodAfterTransacting") or {}).get("when")
    names = {"ALWAYS": "store_in_vault", "ON_SUCCESSFUL_TRANSACTION": "store_in_vault_on_success"}
    return {names[criteria]: "true"} if criteria else {}


def _options(given: Input) -> tuple[dict[str, Value], dict[str, Value]]:
    """The fields and the options of the sale that only cards have, or only PayPal."""
    fields: dict[str, Value] = {}
    options: dict[str, Value] = texts(given.get("fraudTools") or {}, "skipCvv", "skipAvs", "skipAdvancedFraudChecking")
    if given.get("billingAddress"):
        fields["billing"] = address(given["billingAddress"])
    if given.get("scaExemption"):
        fields["sca_exemption"] = str(given["scaExemption"]).lower()
    if given.get("accountType"):
        options["credit_card"] = {"account_type": str(given["accountType"]).lower()}
    paypal = texts(given, "customField", "description", "payeeId", "payeeEmail")
    if paypal:
        options["paypal"] = paypal
    return fields, options


def vaulted_method(given: Input, customer_id: str) -> dict[str, Value]:
    """The payment method to vault. It is verified unless the input says otherwise."""
    verification = given.get("verification") or {}
    account = verification.get("merchantAccountId") or given.get("verificationMerchantAccountId")
    options: dict[str, Value] = {
        "verify_card": text(not verification.get("skip")),
        **texts(given, "makeDefault", "failOnDuplicatePaymentMethod", "failOnDuplicatePaymentMethodForCustomer"),
    }
    known = {
        "verification_merchant_account_id": account,
        "verification_amount": verification.get("amount"),
        "verification_account_type": str(given["accountType"]).lower() if given.get("accountType") else None,
    }
    options |= {name: text(value) for name, value in known.items() if value is not None}
    found: dict[str, Value] = {
        "payment_method_nonce": str(given["paymentMethodId"]),
        "customer_id": customer_id,
        **texts(given.get("riskData") or {}, "deviceData"),
        "options": options,
    }
    if given.get("billingAddress"):
        found["billing_address"] = address(given["billingAddress"])
    return found


def card(given: Input) -> dict[str, Value]:
    """The card to tokenize, as the client API's REST endpoint takes it."""
    described: Input = given["creditCard"]
    found = texts(described, *(name for name in described if name != "billingAddress"))
    if described.get("billingAddress"):
        found["billing_address"] = address(described["billingAddress"])
    return {**found, "options": texts(given.get("options") or {}, "validate")}


def client_token(given: Input) -> dict[str, Value]:
    asked: Input = given.get("clientToken") or {}
    found: dict[str, Value] = texts(asked, "merchantAccountId", "version")
    if asked.get("customerId"):
        found["customer_id"] = legacy_id(str(asked["customerId"]), "customer")
    if asked.get("domains"):
        found["domains"] = [text(domain) for domain in asked["domains"]]
    options = texts(asked, "failOnDuplicatePaymentMethodForCustomer")
    return {**found, "options": options} if options else found


_SEARCHED_TEXTS = {
    "orderId": "order_id",
    "email": "email",
    "firstName": "first_name",
    "lastName": "last_name",
    "company": "company",
    "phoneNumber": "phone",
}


def transaction_search(given: Input) -> dict[str, Value]:
    """The criteria of a search for sales, in the form of the XML API."""
    return {"type": ["sale"], **search(given, "transaction")}


def refund_search(given: Input) -> dict[str, Value]:
    return {"refund": "true", **search(given, "refund")}


def search(given: Input, kind: str) -> dict[str, Value]:
    """The criteria of a search for objects of this kind, in the form of the XML API."""
    found: dict[str, Value] = {}
    if given.get("id"):
        wanted = given["id"].get("in") or [given["id"].get("is")]
        found["ids"] = [legacy_id(str(each), kind) for each in wanted]
    for name, criterion in _SEARCHED_TEXTS.items():
        if given.get(name):
            found[criterion] = texts(given[name], *given[name])
    for name, criterion in (("status", "status"), ("merchantAccountId", "merchant_account_id")):
        if given.get(name):
            values = given[name].get("in") or [given[name].get("is")]
            found[criterion] = [str(each).lower() if name == "status" else str(each) for each in values]
    if given.get("createdAt"):
        bounds = {"min": "greaterThanOrEqualTo", "max": "lessThanOrEqualTo"}
        limits = {name: text(given["createdAt"].get(bound)) for name, bound in bounds.items()}
        found["created_at"] = {name: limit for name, limit in limits.items() if limit}
    return found
