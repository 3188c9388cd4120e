"""Payment method nonces: create one from a vaulted method, find it, find the vaulted card behind it."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.params import Params
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.rules.authentication_insight import InsightRequest, insight
from braintree_twin.rules.money import TRANSACTION_AMOUNT
from braintree_twin.state.records import Nonce, PaymentMethod
from braintree_twin.validation import failed
from braintree_twin.vault.instruments import Instrument, NonceCodes, consume, of_method, of_nonce
from braintree_twin.views.nonces import nonce_view
from braintree_twin.views.payment_methods import payment_method as method_view
from braintree_twin.xml_writer import Node

ROOT = "payment_method_nonce"
_NO_CODES = NonceCodes(unknown="", consumed="", locked="")
CONSUMED_TEST_NONCE = "fake-consumed-nonce"


def create(call: Call) -> Answer:
    method = call.store.payment_methods.get(call.merchant.id, call.path["token"])
    if method is None:
        raise NotFound
    record = Nonce(nonce=call.ids.nonce(), created_at=call.clock.stamp(), kind=method.kind, token=method.token)
    call.store.nonces.put(call.merchant.id, record)
    node = nonce_view(record.nonce, of_method(call, method), consumed=False)
    options = call.params(ROOT).section("authentication_insight_options")
    if call.params(ROOT).flag("authentication_insight"):
        node["authentication_insight"] = _insight(call, method, options)
    return Answer(ROOT, node, 201)


def _insight(call: Call, method: PaymentMethod, options: Params) -> dict[str, Node]:
    account_id = call.params(ROOT).text("merchant_account_id")
    account = call.merchant.by_id.get(account_id) if account_id else call.merchant.default_account
    if account is None:
        raise failed(ROOT, "merchant_account_id", "91513")
    amount, _ = TRANSACTION_AMOUNT.check(options.text("amount"), account.currency)
    limit, _ = TRANSACTION_AMOUNT.check(options.text("recurring_max_amount"), account.currency)
    request = InsightRequest(
        card_country=((method.card or {}).get("bin_data") or {}).get("country_of_issuance"),
        amount=amount,
        recurring=options.flag("recurring_customer_consent"),
        recurring_limit=limit,
    )
    regulation, indicator = insight(account, request)
    return {"regulation_environment": regulation, "sca_indicator": indicator}


def find(call: Call) -> Answer:
    """Find a nonce, also a consumed one."""
    nonce = call.path["nonce"]
    found = of_nonce(call, nonce, _NO_CODES)
    if isinstance(found, Instrument):
        return Answer(ROOT, nonce_view(nonce, found, consumed=False))
    if nonce == CONSUMED_TEST_NONCE:
        return Answer(ROOT, nonce_view(nonce, Instrument(kind="credit_card"), consumed=True))
    record = call.store.nonces.get(call.merchant.id, nonce)
    if record is None:
        raise NotFound
    method = call.store.payment_methods.get(call.merchant.id, record.token)
    instrument = (
        of_method(call, method) if method else Instrument(kind=record.kind, card=record.card, wallet=record.wallet)
    )
    instrument.three_d_secure = record.three_d_secure
    return Answer(ROOT, nonce_view(nonce, instrument, consumed=record.consumed))


def find_card(call: Call) -> Answer:
    """The vaulted card behind an unused nonce, which is consumed."""
    found = of_nonce(call, call.path["nonce"], _NO_CODES)
    if isinstance(found, str) or found.method is None or found.kind != "credit_card":
        raise NotFound
    consume(call, found)
    return Answer("credit_card", method_view(call, found.method))


ROUTES = (
    Route("POST", "/payment_methods/{token}/nonces", create, takes={ROOT: accepted.NONCE}),
    Route("GET", "/payment_method_nonces/{nonce}", find),
    Route("GET", "/payment_methods/from_nonce/{nonce}", find_card),
)
