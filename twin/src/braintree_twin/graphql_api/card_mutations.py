"""Detached refunds, updates of vaulted cards, and custom fields of transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from braintree_twin.errors import NotFound
from braintree_twin.graphql_api import inputs
from braintree_twin.graphql_api.context import Fields, Graph, Info, InputFault, InvalidInput, graph_of, list_faults
from braintree_twin.graphql_api.global_ids import legacy_id
from braintree_twin.graphql_api.instruments import address
from braintree_twin.graphql_api.mutations import Mutation, echoing, id_in, sold
from braintree_twin.graphql_api.objects import custom_fields, method_of, verification_of
from braintree_twin.params import Params
from braintree_twin.resources import payment_methods
from braintree_twin.resources.transactions.creating import create as create_transaction
from braintree_twin.resources.transactions.details import CUSTOM_FIELD_CODES
from braintree_twin.rules.customers import read_custom_fields, without_blank
from braintree_twin.validation import Errors
from braintree_twin.views.payment_methods import billing_address
from braintree_twin.xml_reader import Value


def _refund(info: Info, *, input: Fields) -> Fields:
    asked = inputs.detached_refund(input)
    return {"refund": sold(graph_of(info), create_transaction, asked, section="refund")}


def _update_custom_fields(name: str) -> Mutation:
    """The mutation that changes the custom fields of the transaction whose id stands in this field."""

    def update(info: Info, *, input: Fields) -> Fields:
        call = graph_of(info).require_keys()
        record = call.store.transactions.get(call.merchant.id, legacy_id(str(input[name]), "transaction", "refund"))
        if record is None:
            raise NotFound
        errors = Errors()
        given = Params(inputs.custom_fields(input))
        changed = read_custom_fields(call.merchant, given, errors, **CUSTOM_FIELD_CODES)
        if errors:
            raise InvalidInput(list_faults(errors, "transaction", None))
        record.custom_fields = without_blank({**record.custom_fields, **changed})
        record.updated_at = call.clock.stamp()
        call.store.transactions.put(call.merchant.id, record)
        return {"customFields": custom_fields(record.custom_fields)}

    return update


def _update_card(graph: Graph, given: Fields, changes: dict[str, Value]) -> Fields:
    """Change a vaulted card, which is verified unless the input says otherwise. A failed one changes nothing."""
    token = legacy_id(str(given["paymentMethodId"]), "paymentmethod")
    method = graph.require_keys().store.payment_methods.get(graph.call.merchant.id, token)
    if method is None:
        raise NotFound
    if method.card is None:
        raise InvalidInput([InputFault("Only cards can be updated.", "91738", ("input", "paymentMethodId"))])
    options = inputs.card_verification(given.get("verification") or {})
    document: dict[str, Value] = {**changes, "options": options}
    answer: Any = graph.run(payment_methods.update, payment_methods.ROOT, document, token=token)
    if answer.root == "api_error_response":
        return {"paymentMethod": None, "verification": verification_of(graph.call, id_in(answer, "verification"))}
    newest = graph.call.store.verifications.find(graph.call.merchant.id, token=token, newest_first=True, limit=1)
    verified = options["verify_card"] == "true" and newest
    return {
        "paymentMethod": method_of(graph.call, token),
        "verification": verification_of(graph.call, newest[0].id) if verified else None,
    }


def _update_billing_address(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    given: dict[str, Value] = {
        **inputs.address(input.get("billingAddress") or {}),
        "options": {"update_existing": "true"},
    }
    made = _update_card(graph, input, {"billing_address": given})
    call = graph.call
    token = legacy_id(str(input["paymentMethodId"]), "paymentmethod")
    method = call.store.payment_methods.get(call.merchant.id, token)
    found = billing_address(call, method) if method and made["paymentMethod"] else None
    return {**made, "billingAddress": address(found.fields if found else None)}


def _update_texts(*names: str) -> Callable[..., Fields]:
    def update(info: Info, *, input: Fields) -> Fields:
        return _update_card(graph_of(info), input, inputs.texts(input, *names))

    return update


CARD_MUTATIONS: Mapping[str, Mutation] = {
    name: echoing(mutation)
    for name, mutation in {
        "refundCreditCard": _refund,
        "refundUsBankAccount": _refund,
        "updateCustomFields": _update_custom_fields("id"),
        "updateTransactionCustomFields": _update_custom_fields("transactionId"),
        "updateCreditCardBillingAddress": _update_billing_address,
        "updateCreditCardCardholderName": _update_texts("cardholderName"),
        "updateCreditCardExpirationDate": _update_texts("expirationMonth", "expirationYear"),
    }.items()
}
