"""Client tokens, which browsers and apps need to create nonces."""

from __future__ import annotations

import base64
import json
import re

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.client_api.authentication import sign_fingerprint
from braintree_twin.client_api.configuration import configuration
from braintree_twin.client_api.hosts import hosts_of
from braintree_twin.params import Params
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.validation import failed, failed_saying

ROOT = "client_token"
VERSIONS = ("1", "2", "3")
TOO_MANY_DOMAINS, INVALID_DOMAIN, MAX_DOMAINS = "92810", "92011", 5
DOMAIN_FORM = "Client token domains must be valid domain names (RFC 1035), e.g. example.com"
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII | re.IGNORECASE)
UNKNOWN_VERSION, UNKNOWN_CUSTOMER, UNKNOWN_ACCOUNT = "92806", "92804", "92807"
# Options that need a customer id, with the error code if it is missing.
_NEEDS_CUSTOMER = {
    "make_default": "92801",
    "verify_card": "92802",
    "fail_on_duplicate_payment_method": "92803",
    "fail_on_duplicate_payment_method_for_customer": "92805",
}
OPTIONS = tuple(_NEEDS_CUSTOMER)


def create(call: Call) -> Answer:
    params = call.params(ROOT)
    version = params.text("version") or "2"
    if version not in VERSIONS:
        raise failed(ROOT, "version", UNKNOWN_VERSION)
    customer_id, account_id = params.text("customer_id"), params.text("merchant_account_id")
    if customer_id and not call.store.customers.get(call.merchant.id, customer_id):
        raise failed(ROOT, "customer_id", UNKNOWN_CUSTOMER)
    if account_id and account_id not in call.merchant.by_id:
        raise failed(ROOT, "merchant_account_id", UNKNOWN_ACCOUNT)
    for option, code in _NEEDS_CUSTOMER.items():
        if params.section("options").has(option) and not customer_id:
            raise failed(ROOT, option, code)
    _check_domains(params)
    account = call.merchant.by_id.get(account_id or "") or call.merchant.default_account
    options = {name: params.section("options").flag(name) for name in OPTIONS if params.section("options").has(name)}
    fingerprint = sign_fingerprint(call, customer_id, account_id, options, params.texts("domains"))
    content = {
        "version": int(version),
        "authorizationFingerprint": fingerprint,
        # Older SDKs tokenize bank accounts there, by GraphQL.
        "braintree_api": {"url": hosts_of(call).graphql, "access_token": fingerprint},
        "hasCustomer": customer_id is not None,
        **configuration(call, account),
    }
    text = json.dumps(content, separators=(",", ":"))
    value = text if version == "1" else base64.b64encode(text.encode()).decode()
    return Answer(ROOT, {"value": value}, 201)


def _check_domains(params: Params) -> None:
    domains = params.texts("domains")
    if len(domains) > MAX_DOMAINS:
        raise failed(ROOT, "domains", TOO_MANY_DOMAINS)
    if not all(_DOMAIN.fullmatch(domain) for domain in domains):
        raise failed_saying(ROOT, "domains", INVALID_DOMAIN, DOMAIN_FORM)


ROUTES = (Route("POST", "/client_token", create, takes={ROOT: accepted.CLIENT_TOKEN}),)
