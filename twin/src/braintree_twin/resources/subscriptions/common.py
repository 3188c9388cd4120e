"""Checks shared by creation and update of a subscription: plan, payment method, merchant account, id."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.errors import NotFound
from braintree_twin.ledger.subscriptions import bill_due_subscriptions
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.resources.plans import catalog_entry
from braintree_twin.resources.transactions.common import decline_message, echo
from braintree_twin.rules.customers import identifier_error
from braintree_twin.rules.descriptors import read_descriptor
from braintree_twin.rules.modifications import ARRAYS, Modification, ModificationReader
from braintree_twin.state.records import CatalogEntry, Fields, PaymentMethod, Subscription, Transaction
from braintree_twin.validation import Errors, error_answer
from braintree_twin.vault.instruments import NonceCodes, consume, of_nonce
from braintree_twin.views.subscriptions import subscription as subscription_view
from braintree_twin.views.transactions import transaction as transaction_view

ROOT = "subscription"
PLAN_INVALID, ACCOUNT_INVALID, CURRENCY_MISMATCH = "91904", "91901", "91923"
ID_INVALID, ID_IN_USE = "81906", "81902"
TOKEN_INVALID, TOKEN_OF_ANOTHER, TOKEN_KIND, TOKEN_BRAND = "91903", "91905", "91928", "91902"
NONCE_INVALID, NONCE_OF_ANOTHER, NONCE_UNVAULTED_CARD, NONCE_KIND = "91925", "91926", "91927", "91929"
NONCE_BRAND, INSTRUMENT_NOT_TAKEN = "91924", "91930"
# Kinds that pay once only.
WITHOUT_SUBSCRIPTIONS = frozenset({"local_payment", "meta_checkout_card", "meta_checkout_token"})
_NONCE_CODES = NonceCodes(unknown=NONCE_INVALID, consumed=NONCE_INVALID, locked=NONCE_INVALID)


def load(call: Call) -> Subscription:
    """The subscription of the path, after everything that came due is applied."""
    bill_due_subscriptions(call)
    record = call.store.subscriptions.get(call.merchant.id, call.path["id"])
    if record is None:
        raise NotFound
    return record


def read_plan(call: Call, params: Params, errors: Errors) -> CatalogEntry | None:
    plan = catalog_entry(call, "plan", params.text("plan_id") or "")
    errors.add("plan_id", None if plan else PLAN_INVALID)
    return plan


def read_account(call: Call, params: Params, currency: str, errors: Errors) -> MerchantAccount:
    """The merchant account of the request, or the default one; it must take the plan's currency."""
    given = params.text("merchant_account_id")
    account = call.merchant.by_id.get(given) if given else call.merchant.default_account
    if account is None:
        errors.add("merchant_account_id", ACCOUNT_INVALID)
        return call.merchant.default_account
    if account.currency != currency:
        errors.add("base", CURRENCY_MISMATCH)
    return account


def read_id(call: Call, params: Params, errors: Errors, current: str | None = None) -> str | None:
    identifier = params.text("id")
    if identifier is None or identifier == current:
        return identifier
    fault = identifier_error(identifier, (ID_INVALID,) * 3)
    if fault is None and call.store.subscriptions.get(call.merchant.id, identifier):
        fault = ID_IN_USE
    errors.add("id", fault)
    return identifier


def read_method(call: Call, params: Params, errors: Errors, customer_id: str | None = None) -> PaymentMethod | None:
    """The vaulted method of the request's token or nonce; None if there is none. A nonce is consumed."""
    nonce, token = params.text("payment_method_nonce"), params.text("payment_method_token")
    if nonce is not None:
        return _by_nonce(call, nonce, errors, customer_id)
    method = call.store.payment_methods.get(call.merchant.id, token)
    if method is None:
        errors.add("payment_method_token", TOKEN_INVALID)
    elif customer_id and method.customer_id != customer_id:
        errors.add("payment_method_token", TOKEN_OF_ANOTHER)
    elif method.kind in WITHOUT_SUBSCRIPTIONS:
        errors.add("payment_method_token", TOKEN_KIND)
    return method


def _by_nonce(call: Call, nonce: str, errors: Errors, customer_id: str | None) -> PaymentMethod | None:
    found = of_nonce(call, nonce, _NONCE_CODES)
    if isinstance(found, str):
        errors.add("payment_method_nonce", found)
        return None
    if found.kind in WITHOUT_SUBSCRIPTIONS:
        errors.add("payment_method_nonce", NONCE_KIND)
        return None
    if found.method is None:
        errors.add("payment_method_nonce", NONCE_UNVAULTED_CARD if found.kind == "credit_card" else NONCE_INVALID)
        return None
    if customer_id and found.method.customer_id != customer_id:
        errors.add("payment_method_nonce", NONCE_OF_ANOTHER)
        return None
    consume(call, found)
    return found.method


def check_instrument(account: MerchantAccount, method: PaymentMethod, params: Params, errors: Errors) -> None:
    """Add an error for a kind of instrument, or a brand of cards, that the account does not take."""
    if account.instruments is not None and method.kind not in account.instruments:
        errors.add("merchant_account_id", INSTRUMENT_NOT_TAKEN)
    elif method.card and account.brands is not None and method.card["card_type"] not in account.brands:
        by_nonce = params.has("payment_method_nonce")
        errors.add(*("payment_method_nonce", NONCE_BRAND) if by_nonce else ("payment_method_token", TOKEN_BRAND))


def read_modifications(
    call: Call, params: Params, currency: str, errors: Errors, existing: dict[str, list[Modification]]
) -> dict[str, list[Modification]]:
    """Add-ons and discounts after the request, by array."""
    return {
        array: ModificationReader(kind, currency, lambda *key: catalog_entry(call, *key)).read(
            params, errors, existing[array]
        )
        for kind, array in ARRAYS.items()
    }


def read_descriptor_of(params: Params, errors: Errors) -> Fields:
    return read_descriptor(params, errors)


def declined(call: Call, transaction: Transaction, record: Subscription | None = None) -> Answer:
    """The 422 of a charge that failed: no errors, but the transaction, and the subscription if there is one."""
    things = {"transaction": transaction_view(transaction)}
    if record:
        things["subscription"] = subscription_view(call, record)
    node = error_answer(Errors(), echo(call), message=decline_message(transaction), **things)
    return Answer("api_error_response", node, 422)
