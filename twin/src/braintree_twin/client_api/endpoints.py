"""The client API's REST endpoints: create a nonce from a card, list the customer's payment methods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from braintree_twin.calls import Call, Handler, JsonAnswer, Route
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.callers import CALLER, authenticated_client
from braintree_twin.client_api.configuration import client_configuration
from braintree_twin.client_api.errors import client_error
from braintree_twin.client_api.nonces import nonce_content
from braintree_twin.params import Params
from braintree_twin.request_schema import EVERYTHING, Schema, schema
from braintree_twin.rules.accepted_fields import CREDIT_CARD
from braintree_twin.state.records import Nonce, PaymentMethod
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.cards import read_cvv
from braintree_twin.vault.instruments import CVV_ONLY, NonceCodes
from braintree_twin.vault.payment_method_requests import (
    MethodRequest,
    read_method,
    store_requested_method,
    verify_if_requested,
)
from braintree_twin.vault.storing import methods_of

CARD = "credit_card"
# Pages send cards, never nonces.
_NO_NONCE = NonceCodes(unknown="91732", consumed="91731", locked="91733")
_NOT_FOR_PAGES = frozenset({"options", "token", "payment_method_nonce", "billing_address_id"})
_CARD_FIELDS = ("number", "expiration_date", "expiration_month", "expiration_year")
_FLAGS = (
    "verify_card",
    "make_default",
    "fail_on_duplicate_payment_method",
    "fail_on_duplicate_payment_method_for_customer",
)


@dataclass(frozen=True, slots=True)
class CreatedNonce:
    """A nonce, and whether its card was validated. The nonce is None if the card's verification failed."""

    nonce: Nonce | None
    validated: bool


def configure(call: Call) -> JsonAnswer:
    client = authenticated_client(call)
    account = call.merchant.by_id.get(client.merchant_account_id or "") or call.merchant.default_account
    return JsonAnswer(client_configuration(call, account))


def create_card_nonce(call: Call) -> JsonAnswer:
    client = authenticated_client(call)
    made = tokenize_card(call, client, Params.of(call.document, CARD))
    if made.nonce is None:
        return client_error(422, "Credit card verification failed")
    content = nonce_content(made.nonce)
    if Params(call.document).flag("authentication_insight"):
        content["authenticationInsight"] = {"regulationEnvironment": "unavailable"}
    return JsonAnswer({"creditCards": [content]}, 201 if made.validated else 202)


def tokenize_card(call: Call, client: Client, card: Params) -> CreatedNonce:
    """Create a nonce for a card. With a customer's client token and `validate`, the card is vaulted at once."""
    errors = Errors()
    if card.has("cvv") and not any(card.has(name) for name in _CARD_FIELDS):
        return CreatedNonce(tokenize_cvv(call, card), False)
    validated = card.section("options").flag("validate", default=True)
    if client.customer_id and validated:
        return _vault_card(call, client, card, errors)
    instrument = read_method(call, _with_options(card), errors.on(CARD), None, _NO_NONCE).instrument
    if errors or instrument is None:
        raise ValidationFailed(errors)
    nonce = Nonce(
        nonce=call.ids.nonce(),
        created_at=call.clock.stamp(),
        card=instrument.card,
        billing=instrument.billing or None,
        cvv_response=instrument.cvv,
    )
    call.store.nonces.put(call.merchant.id, nonce)
    return CreatedNonce(nonce, validated)


def tokenize_cvv(call: Call, card: Params) -> Nonce:
    """Create a nonce for a security code alone: it goes with a vaulted card, and pays nothing by itself."""
    errors = Errors()
    response = read_cvv(card, None, errors.on(CARD))
    if errors:
        raise ValidationFailed(errors)
    nonce = Nonce(nonce=call.ids.nonce(), created_at=call.clock.stamp(), kind=CVV_ONLY, cvv_response=response)
    call.store.nonces.put(call.merchant.id, nonce)
    return nonce


def _vault_card(call: Call, client: Client, card: Params, errors: Errors) -> CreatedNonce:
    customer_id = client.customer_id or ""
    flags = (name for name in _FLAGS if client.options.get(name))
    asked = _with_options(card, flags, allowed=("token",))
    wanted = read_method(call, asked, errors.on(CARD), customer_id, _NO_NONCE)
    if errors:
        raise ValidationFailed(errors)
    if client.merchant_account_id in call.merchant.by_id:
        wanted = replace(wanted, account=call.merchant.by_id[client.merchant_account_id or ""])
    verification = verify_if_requested(call, wanted)
    if verification and verification.status != "verified":
        return CreatedNonce(None, True)
    method = store_requested_method(call, wanted, customer_id, verification)
    return CreatedNonce(nonce_of_method(call, method, wanted), True)


def nonce_of_method(call: Call, method: PaymentMethod, wanted: MethodRequest | None = None) -> Nonce:
    """A new nonce of a vaulted method."""
    nonce = Nonce(
        nonce=call.ids.nonce(),
        created_at=call.clock.stamp(),
        kind=method.kind,
        card=method.card,
        wallet=method.wallet,
        billing=method.billing,
        cvv_response=wanted.instrument.cvv if wanted and wanted.instrument else None,
        token=method.token,
    )
    call.store.nonces.put(call.merchant.id, nonce)
    return nonce


def _with_options(card: Params, flags: Iterable[str] = (), allowed: Iterable[str] = ()) -> Params:
    """The card with these options only: options that the page sends are ignored, those of the client token count."""
    fields = {name: card.raw(name) for name in card if name not in _NOT_FOR_PAGES or name in allowed}
    return Params({**fields, "options": dict.fromkeys(flags, "true")}, f"{CARD}.")


def list_methods(call: Call) -> JsonAnswer:
    """A new nonce for each of the customer's methods; the default one first if the query says defaultFirst=1."""
    client = authenticated_client(call)
    methods = methods_of(call, client.customer_id) if client.customer_id else []
    if Params(call.document).flag("default_first"):
        methods = sorted(methods, key=lambda method: not method.default)
    shown = [{**nonce_content(nonce_of_method(call, method)), "default": method.default} for method in methods]
    return JsonAnswer({"paymentMethods": shown})


def find_nonce(call: Call) -> JsonAnswer:
    authenticated_client(call)
    nonce = call.store.nonces.get(call.merchant.id, call.path["nonce"])
    if nonce is None or nonce.kind != CARD:
        return client_error(404, "Nonce not found")
    return JsonAnswer({"creditCards": [nonce_content(nonce)]})


# Options come from the client token; those of the page count only as far as `validate` goes.
TOKENIZED_CARD = CREDIT_CARD.extended(
    no_effect="token payment_method_nonce billing_address_id",
    options=schema("validate union_pay_enrollment", no_effect=" ".join(_FLAGS)),
)
BASE = "/client_api/v1"


def browser_route(method: str, path: str, handler: Handler, **takes: Schema) -> Route:
    """A route of the client API. `takes` has its fields beside those that every caller sends."""
    return Route(method, f"{BASE}/{path}", handler, needs_keys=False, takes={**CALLER, **takes}, for_browsers=True)


ROUTES = (
    browser_route("GET", "configuration", configure),
    browser_route(
        "POST",
        "payment_methods/credit_cards",
        create_card_nonce,
        credit_card=TOKENIZED_CARD,
        **dict.fromkeys(("authentication_insight", "merchant_account_id"), EVERYTHING),
    ),
    browser_route("GET", "payment_methods", list_methods, default_first=EVERYTHING),
    browser_route("GET", "payment_methods/credit_cards/{nonce}", find_nonce),
)
