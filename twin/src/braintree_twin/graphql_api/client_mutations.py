"""Mutations for browsers and apps: what they tokenize beside cards, look-ups of 3-D Secure, and Venmo."""

from __future__ import annotations

from collections.abc import Mapping

from braintree_twin.calls import Call
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.bank_accounts import bank_account_faults, us_bank_account
from braintree_twin.client_api.endpoints import tokenize_cvv
from braintree_twin.client_api.wallets import make_nonce, samsung_pay
from braintree_twin.errors import NotFound
from braintree_twin.graphql_api.authentications import lookup_data, perform_lookup
from braintree_twin.graphql_api.context import Fields, Forbidden, Info, InputFault, InvalidInput, graph_of, list_faults
from braintree_twin.graphql_api.mutations import Mutation, echoing
from braintree_twin.graphql_api.objects import single_use_method
from braintree_twin.graphql_api.venmo import create_context, update_context
from braintree_twin.ledger.subscriptions import cancel_all_of
from braintree_twin.params import Params
from braintree_twin.validation import ValidationFailed
from braintree_twin.vault.storing import delete_method


def _cvv(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    try:
        nonce = tokenize_cvv(graph.call, Params({"cvv": str(input["cvv"])}))
    except ValidationFailed as failure:
        raise InvalidInput(list_faults(failure.errors, "credit_card", None)) from failure
    return {"tokenizedCvv": {"id": nonce.nonce}, "singleUseToken": single_use_method(nonce)}


def _bank_account(info: Info, *, input: Fields) -> Fields:
    graph, given = graph_of(info), input["usBankAccount"]
    faults = bank_account_faults(str(given["routingNumber"]), str(given["accountNumber"]))
    if faults:
        path = ("input", "usBankAccount")
        raise InvalidInput([InputFault(message, "", (*path, field)) for field, message in faults.items()])
    nonce = make_nonce(graph.call, graph.client or Client(), us_bank_account(graph.call, given))
    return {"paymentMethod": single_use_method(nonce)}


def _bank_login(info: Info, *, input: Fields) -> Fields:
    """The login at a bank stands for an account with these numbers."""
    graph = graph_of(info)
    given = {**input["usBankLogin"], "routingNumber": "021000021", "accountNumber": "1000000000"}
    instrument = us_bank_account(graph.call, given, instantly_verified=True)
    return {"paymentMethod": single_use_method(make_nonce(graph.call, graph.client or Client(), instrument))}


def _samsung_pay(info: Info, *, input: Fields) -> Fields:
    graph, given = graph_of(info), input["samsungPayCard"]
    instrument = samsung_pay(graph.call, Params({"card_brand": given.get("cardBrand")}))
    return {"paymentMethod": single_use_method(make_nonce(graph.call, graph.client or Client(), instrument))}


def _delete(info: Info, *, input: Fields) -> Fields:
    """Remove the vaulted method behind a nonce: only the customer's own, whose client token is given."""
    graph = graph_of(info)
    call: Call = graph.call
    if graph.client is None or graph.client.customer_id is None:
        raise Forbidden("only a client token of the customer may remove a payment method")
    nonce = call.store.nonces.get(call.merchant.id, str(input["singleUseTokenId"]))
    method = call.store.payment_methods.get(call.merchant.id, nonce.token if nonce else None)
    if method is None or method.customer_id != graph.client.customer_id:
        raise NotFound
    cancel_all_of(call, method.token)
    delete_method(call, method)
    return {}


def _lookup(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    if graph.client and graph.client.by_key:
        raise Forbidden("3-D Secure needs a client token")
    record = perform_lookup(graph.call, graph.client, input)
    nonce = graph.call.store.nonces.get(graph.call.merchant.id, record.nonce)
    assert nonce is not None  # noqa: S101
    return {"threeDSecureLookupData": lookup_data(graph.call, record), "paymentMethod": single_use_method(nonce)}


def _venmo(info: Info, *, input: Fields) -> Fields:
    return {"venmoPaymentContext": create_context(graph_of(info).call, input, "VenmoPaymentContext")}


def _venmo_code(info: Info, *, input: Fields) -> Fields:
    return {"venmoQRCodePaymentContext": create_context(graph_of(info).call, input, "VenmoQRCodePaymentContext")}


def _update_venmo(info: Info, *, input: Fields) -> Fields:
    update_context(graph_of(info).call, str(input["id"]), str(input["status"]))
    return {}


CLIENT_MUTATIONS: Mapping[str, Mutation] = {
    name: echoing(mutation)
    for name, mutation in {
        "tokenizeCvv": _cvv,
        "tokenizeUsBankAccount": _bank_account,
        "tokenizeUsBankLogin": _bank_login,
        "tokenizeSamsungPayCard": _samsung_pay,
        "deletePaymentMethodFromSingleUseToken": _delete,
        "performThreeDSecureLookup": _lookup,
        "createVenmoPaymentContext": _venmo,
        "createVenmoQRCodePaymentContext": _venmo_code,
        "updateVenmoPaymentContextStatus": _update_venmo,
        "updateVenmoQRCodePaymentContext": _update_venmo,
    }.items()
}
