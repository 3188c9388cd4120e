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
    found |= texts(shipping, "shippingAmount", "shippingTaxAmount", "shipsFromPostalCode")
    way = shipping.get("shippingMethod")
    if shipping.get("shippingAddress") or way:
        destination = address(shipping.get("shippingAddress") or {})
        found["shipping"] = {**destination, "shipping_method": str(way).lower()} if way else destination
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
        **texts(asked, "merchantAccountId", "channel", "exchangeRateQuoteId"),
        **texts(given, "apiRequestKey"),
        **texts(asked.get("riskData") or {}, "deviceData"),
        **custom_fields(asked),
    }
    source = asked.get("paymentInitiator") or _RECURRING.get(asked.get("recurring") or "")
    if source:
        found["transaction_source"] = str(source).lower()
    if asked.get("threeDSecurePassThrough"):
        found["three_d_secure_pass_thru"] = pass_through(asked["threeDSecurePassThrough"])
    if asked.get("customerId"):
        found["customer_id"] = legacy_id(str(asked["customerId"]), "customer")
    if asked.get("customerDetails"):
        details = asked["customerDetails"]
        found["customer"] = {"email": text(details.get("email")), "phone": text(details.get("phoneNumber"))}
    card, own_options = _options(given.get("options") or {})
    if "payment_method_token" not in found:
        # A security code by itself belongs to a vaulted card.
        card.pop("payment_method_nonce", None)
    return {**found, **card, "options": {**options, **own_options}}


# The deprecated names of what initiates a payment.
_RECURRING = {"FIRST": "recurring_first", "SUBSEQUENT": "recurring", "UNSCHEDULED": "unscheduled"}


def detached_refund(given: Input) -> dict[str, Value]:
    """The credit without an earlier sale."""
    asked: Input = given["refund"]
    return {
        "type": "credit",
        **token_or_nonce(str(given["paymentMethodId"])),
        **texts(asked, "amount", "orderId", "merchantAccountId"),
        **texts(given, "apiRequestKey"),
        **custom_fields(asked),
        **({"descriptor": texts(asked["descriptor"], "name", "phone", "url")} if asked.get("descriptor") else {}),
    }


_PASS_THROUGH = {
    "eciFlag": "eci_flag",
    "cavv": "cavv",
    "xId": "xid",
    "version": "three_d_secure_version",
    "authenticationResponse": "authentication_response",
    "directoryServerResponse": "directory_response",
    "cavvAlgorithm": "cavv_algorithm",
    "directoryServerTransactionId": "ds_transaction_id",
}


def pass_through(given: Input) -> dict[str, Value]:
    """The result of another provider's 3-D Secure."""
    return {known: text(given[name]) for name, known in _PASS_THROUGH.items() if name in given}


def _authentication(given: Input) -> tuple[dict[str, Value], dict[str, Value]]:
    """The fields and the options of a sale with an authentication of its own."""
    fields: dict[str, Value] = {}
    if given.get("authenticationId"):
        fields["three_d_secure_authentication_id"] = str(given["authenticationId"])
    if given.get("passThrough"):
        fields["three_d_secure_pass_thru"] = pass_through(given["passThrough"])
    options: dict[str, Value] = {}
    if given.get("required") is not None:
        options["three_d_secure"] = {"required": text(given["required"])}
    return fields, options


def _external_vault(given: Input) -> dict[str, Value]:
    known = {"status": str(given["status"]).lower()} if given.get("status") else {}
    return {**known, "previous_network_transaction_id": text(given.get("verifyingNetworkTransactionId"))}


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
    if given.get("externalVault"):
        fields["external_vault"] = _external_vault(given["externalVault"])
    if given.get("tokenizedCvv"):
        fields["payment_method_nonce"] = str(given["tokenizedCvv"])
    if given.get("installmentCount") is not None:
        fields["installments"] = {"count": text(given["installmentCount"])}
    authentication, required = _authentication(given.get("threeDSecureAuthentication") or {})
    fields, options = {**fields, **authentication}, {**options, **required}
    payee = given.get("payee") or {}
    paypal = texts(given, "customField", "description") | {
        known: text(payee[name]) for name, known in (("id", "payee_id"), ("email", "payee_email")) if name in payee
    }
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
    if given.get("threeDSecurePassThrough"):
        found["three_d_secure_pass_thru"] = pass_through(given["threeDSecurePassThrough"])
    if given.get("billingAddress"):
        found["billing_address"] = address(given["billingAddress"])
    return found


def card_verification(given: Input) -> dict[str, Value]:
    """The options that verify a card, which is the default."""
    found: dict[str, Value] = {"verify_card": text(not given.get("skip"))}
    known = {
        "verification_merchant_account_id": given.get("merchantAccountId"),
        "verification_amount": given.get("amount"),
        "verification_account_type": str(given["accountType"]).lower() if given.get("accountType") else None,
    }
    found |= {name: text(value) for name, value in known.items() if value is not None}
    return {**found, **texts(given.get("fraudTools") or {}, "skipAdvancedFraudChecking")}


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


# The kinds of payments that a search names -> the criteria of the XML API.
_PAYMENT_KINDS: Mapping[frozenset[str], dict[str, Value]] = {
    frozenset({"TRANSACTION"}): {"type": ["sale"]},
    frozenset({"REFUND"}): {"type": ["credit"], "refund": "true"},
    frozenset({"DETACHED_REFUND"}): {"type": ["credit"], "refund": "false"},
    frozenset({"REFUND", "DETACHED_REFUND"}): {"type": ["credit"]},
}


def payment_search(given: Input) -> dict[str, Value]:
    """The criteria of a search for sales and refunds. A set of kinds that has no name here means all of them."""
    kinds = frozenset((given.get("type") or {}).get("in") or ())
    return {**_PAYMENT_KINDS.get(kinds, {}), **search(given, "transaction", "refund")}


def search(given: Input, *kinds: str) -> dict[str, Value]:
    """The criteria of a search for objects of these kinds, in the form of the XML API."""
    found: dict[str, Value] = {}
    if given.get("id"):
        wanted = given["id"].get("in") or [given["id"].get("is")]
        found["ids"] = [legacy_id(str(each), *kinds) for each in wanted]
    for name, criterion in _SEARCHED_TEXTS.items():
        if given.get(name):
            found[criterion] = texts(given[name], *given[name])
    for name, criterion in (("status", "status"), ("merchantAccountId", "merchant_account_id")):
        if given.get(name):
            values = given[name].get("in") or [given[name].get("is")]
            found[criterion] = [str(each).lower() if name == "status" else str(each) for each in values]
    if given.get("amount"):
        found["amount"] = _amounts(given["amount"].get("value") or {})
    for name, value in (given.get("customer") or {}).items():
        if name == "id":
            found["customer_id"] = {"is": legacy_id(str((value or {}).get("is") or ""), "customer")}
        elif value:
            found[f"customer_{underscored(name)}"] = texts(value, *value)
    if given.get("createdAt"):
        bounds = {"min": "greaterThanOrEqualTo", "max": "lessThanOrEqualTo"}
        limits = {name: text(given["createdAt"].get(bound)) for name, bound in bounds.items()}
        found["created_at"] = {name: limit for name, limit in limits.items() if limit}
    return found


def _amounts(given: Input) -> dict[str, Value]:
    bounds = {"is": "is", "min": "greaterThanOrEqualTo", "max": "lessThanOrEqualTo"}
    found = {name: text(given.get(bound)) for name, bound in bounds.items()}
    return {name: limit for name, limit in found.items() if limit}
