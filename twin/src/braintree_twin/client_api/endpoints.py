"""The client API's REST endpoints: create a nonce from a card, list the customer's payment methods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from braintree_twin.calls import Call, JsonAnswer, Route
from braintree_twin.client_api.authentication import Client, authenticate_client
from braintree_twin.client_api.configuration import client_configuration
from braintree_twin.client_api.errors import client_error
from braintree_twin.client_api.nonces import nonce_content
from braintree_twin.errors import NotAuthenticated
from braintree_twin.json_reader import read_json
from braintree_twin.params import Params
from braintree_twin.state.records import Nonce, PaymentMethod
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.instruments import NonceCodes
from braintree_twin.vault.payment_method_requests import (
    MethodRequest,
    read_method,
    store_requested_method,
    verify_if_requested,
)
from braintree_twin.vault.storing import methods_of

CARD, PAYPAL = "credit_card", "paypal_account"
# Pages send cards, never nonces.
_NO_NONCE = NonceCodes(unknown="91732", consumed="91731", locked="91733")
_NOT_FOR_PAGES = frozenset({"options", "token", "payment_method_nonce", "billing_address_id"})
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
    client = _client(call)
    account = call.merchant.by_id.get(client.merchant_account_id or "") or call.merchant.default_account
    return JsonAnswer(client_configuration(call, account))


def create_card_nonce(call: Call) -> JsonAnswer:
    client = _client(call)
    made = tokenize_card(call, client, Params.of(call.document, CARD))
    if made.nonce is None:
        return client_error(422, "Credit card verification failed")
    content = {"creditCards": [nonce_content(made.nonce)]}
    return JsonAnswer(content, 201 if made.validated else 202)


def tokenize_card(call: Call, client: Client, card: Params) -> CreatedNonce:
    """Create a nonce for a card. With a customer's client token and `validate`, the card is vaulted at once."""
    errors = Errors()
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


def _vault_card(call: Call, client: Client, card: Params, errors: Errors) -> CreatedNonce:
    customer_id = client.customer_id or ""
    flags = (name for name in _FLAGS if client.options.get(name))
    wanted = read_method(call, _with_options(card, flags), errors.on(CARD), customer_id, _NO_NONCE)
    if errors:
        raise ValidationFailed(errors)
    if client.merchant_account_id in call.merchant.by_id:
        wanted = replace(wanted, account=call.merchant.by_id[client.merchant_account_id or ""])
    verification = verify_if_requested(call, wanted)
    if verification and verification.status != "verified":
        return CreatedNonce(None, True)
    method = store_requested_method(call, wanted, customer_id, verification)
    return CreatedNonce(_nonce_of_method(call, method, wanted), True)


def _nonce_of_method(call: Call, method: PaymentMethod, wanted: MethodRequest | None = None) -> Nonce:
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


def _with_options(card: Params, flags: Iterable[str] = ()) -> Params:
    """The card with these options only: options that the page sends are ignored, those of the client token count."""
    fields = {name: card.raw(name) for name in card if name not in _NOT_FOR_PAGES}
    return Params({**fields, "options": dict.fromkeys(flags, "true")}, f"{CARD}.")


def create_paypal_nonce(call: Call) -> JsonAnswer:
    """Create a nonce for a PayPal account. There is no PayPal login: every consent counts as given."""
    _client(call)
    account = Params.of(call.document, PAYPAL)
    errors = Errors()
    reusable = account.has("consent_code") or account.has("billing_agreement_token")
    if not (reusable or account.has("access_token") or account.has("payment_token")):
        errors.on(PAYPAL).add("base", "82901")
        raise ValidationFailed(errors)
    nonce = Nonce(
        nonce=call.ids.nonce().replace("tokencc", "tokenpp", 1),
        created_at=call.clock.stamp(),
        kind=PAYPAL,
        wallet={"email": account.text("email") or "jane.doe@paypal.com", "payer_id": "FAKEPAYERID01"},
        reusable=reusable,
    )
    call.store.nonces.put(call.merchant.id, nonce)
    validated = account.section("options").flag("validate", default=True)
    return JsonAnswer({"paypalAccounts": [nonce_content(nonce)]}, 201 if validated else 202)


def list_methods(call: Call) -> JsonAnswer:
    """A new nonce for each of the customer's methods; the default one first if the query says defaultFirst=1."""
    client = _client(call)
    methods = methods_of(call, client.customer_id) if client.customer_id else []
    if call.query.get("defaultFirst") == "1":
        methods = sorted(methods, key=lambda method: not method.default)
    shown = [{**nonce_content(_nonce_of_method(call, method)), "default": method.default} for method in methods]
    return JsonAnswer({"paymentMethods": shown})


def find_nonce(call: Call) -> JsonAnswer:
    _client(call)
    nonce = call.store.nonces.get(call.merchant.id, call.path["nonce"])
    if nonce is None or nonce.kind != CARD:
        return client_error(404, "Nonce not found")
    return JsonAnswer({"creditCards": [nonce_content(nonce)]})


def _client(call: Call) -> Client:
    """Authenticate. Reads the body first: it may hold the credentials. It is JSON, whatever its content type."""
    if call.body and not call.document:
        call.document = read_json(call.body)
    client = authenticate_client(call)
    if client.customer_id and not call.store.customers.get(call.merchant.id, client.customer_id):
        raise NotAuthenticated("the customer is gone")
    return client


BASE = "/client_api/v1"

ROUTES = (
    Route("GET", f"{BASE}/configuration", configure, needs_keys=False, takes=None),
    Route("POST", f"{BASE}/payment_methods/credit_cards", create_card_nonce, needs_keys=False, takes=None),
    Route("POST", f"{BASE}/payment_methods/paypal_accounts", create_paypal_nonce, needs_keys=False, takes=None),
    Route("GET", f"{BASE}/payment_methods", list_methods, needs_keys=False, takes=None),
    Route("GET", f"{BASE}/payment_methods/credit_cards/{{nonce}}", find_nonce, needs_keys=False, takes=None),
)
