"""The mutations: each turns its input into a document of the XML API, and runs the handler that serves it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from braintree_twin.calls import Answer, Call, Handler
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.endpoints import tokenize_card
from braintree_twin.graphql_api import inputs
from braintree_twin.graphql_api.authentications import authentication_insight
from braintree_twin.graphql_api.context import (
    Fields,
    Graph,
    Info,
    InputFault,
    InvalidInput,
    graph_of,
    list_faults,
    transaction_path,
)
from braintree_twin.graphql_api.global_ids import legacy_id
from braintree_twin.graphql_api.objects import (
    customer_of,
    method_of,
    single_use_card,
    single_use_method,
    transaction_of,
    verification_of,
)
from braintree_twin.params import Params
from braintree_twin.resources import client_tokens, customers, payment_methods, testing_gateway
from braintree_twin.resources.transactions.api_request_keys import with_api_request_key
from braintree_twin.resources.transactions.creating import create as create_sale
from braintree_twin.resources.transactions.refunding import refund as refund_sale
from braintree_twin.resources.transactions.reversing import reverse
from braintree_twin.resources.transactions.submitting_for_settlement import (
    submit_for_partial_settlement,
    submit_for_settlement,
)
from braintree_twin.resources.transactions.voiding import void
from braintree_twin.validation import ValidationFailed

TRANSACTION, CUSTOMER = "transaction", "customer"
Mutation = Callable[..., Fields]


def tokenize_credit_card(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    card = Params({**inputs.card(input)}, "input.creditCard.")
    try:
        made = tokenize_card(graph.call, graph.client or Client(), card)
    except ValidationFailed as failure:
        raise InvalidInput(list_faults(failure.errors, "credit_card", "creditCard")) from failure
    if made.nonce is None:
        raise InvalidInput([InputFault("Credit card verification failed", "", ("input",))])
    return {
        "token": made.nonce.nonce,
        "paymentMethod": single_use_method(made.nonce),
        "creditCard": single_use_card(made.nonce),
        "singleUseToken": single_use_method(made.nonce),
        "authenticationInsight": authentication_insight,
    }


def sell(*, submit: bool) -> Mutation:
    def mutation(info: Info, *, input: Fields) -> Fields:
        graph = graph_of(info)
        return {TRANSACTION: sold(graph, create_sale, inputs.sale(input, submit=submit), section=TRANSACTION)}

    return mutation


def sold(
    graph: Graph, handler: Handler, document: Mapping[str, Any], *, section: str | None, **path: str
) -> Fields | None:
    """Run a handler of transactions, and show the transaction of its answer. A decline is no error in the graph."""
    handler = with_api_request_key(handler)
    answer = graph.run(handler, TRANSACTION, document, section=section, **path)
    return transaction_of(graph.call, id_in(answer, TRANSACTION))


def id_in(answer: Answer, name: str, key: str = "id") -> str | None:
    """The id of the answer's resource, which stands inside the error element if it was declined."""
    node: Any = answer.node
    if answer.root == "api_error_response":
        node = node.get(name) or {}
    found = node.get(key)
    return found if isinstance(found, str) else None


def capture_transaction(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    asked, identifier = inputs.capture(input), transaction_path(input)
    return {TRANSACTION: sold(graph, submit_for_settlement, asked, section=TRANSACTION, id=identifier)}


def partial_capture_transaction(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    asked, identifier = inputs.capture(input), transaction_path(input)
    return {"capture": sold(graph, submit_for_partial_settlement, asked, section=TRANSACTION, id=identifier)}


def refund_transaction(info: Info, *, input: Fields) -> Fields:
    asked, identifier = inputs.refund(input), transaction_path(input)
    return {"refund": sold(graph_of(info), refund_sale, asked, section="refund", id=identifier)}


def reverse_transaction(info: Info, *, input: Fields) -> Fields:
    asked = inputs.texts(input, "apiRequestKey")
    return {"reversal": sold(graph_of(info), reverse, asked, section=None, id=transaction_path(input))}


def reverse_refund(info: Info, *, input: Fields) -> Fields:
    asked, identifier = inputs.texts(input, "apiRequestKey"), transaction_path(input, "refundId")
    return {"refund": sold(graph_of(info), void, asked, section=None, id=identifier)}


def sandbox_settle_transaction(info: Info, *, input: Fields) -> Fields:
    declined = input.get("settlementState") == "SETTLEMENT_DECLINED"
    handler = testing_gateway.decline_settlement if declined else testing_gateway.settle
    graph = graph_of(info)
    graph.run(handler, TRANSACTION, {}, id=transaction_path(input))
    return {TRANSACTION: transaction_of(graph.call, transaction_path(input))}


def vault_payment_method(info: Info, *, input: Fields) -> Fields:
    """Vault a single-use method. Without a customer, a new one is created for it."""
    graph = graph_of(info)
    given = input.get("customerId")
    customer_id = legacy_id(str(given), CUSTOMER) if given else new_customer(graph)
    asked = inputs.vaulted_method(input, customer_id)
    try:
        answer = graph.run(payment_methods.create, payment_methods.ROOT, asked)
    except InvalidInput:
        if not given:
            graph.run(customers.delete, CUSTOMER, {}, id=customer_id)
        raise
    call = graph.call
    if answer.root == "api_error_response":
        return {"paymentMethod": None, "verification": verification_of(call, id_in(answer, "verification"))}
    token = id_in(answer, "", "token")
    newest = call.store.verifications.find(call.merchant.id, token=token, newest_first=True, limit=1)
    return {
        "paymentMethod": method_of(call, token),
        "verification": verification_of(call, newest[0].id) if newest else None,
    }


def new_customer(graph: Graph) -> str:
    return str(id_in(graph.run(customers.create, CUSTOMER, {}), CUSTOMER))


def delete_payment_method(info: Info, *, input: Fields) -> Fields:
    token = legacy_id(str(input["paymentMethodId"]), "paymentmethod")
    graph_of(info).run(payment_methods.delete, payment_methods.ROOT, {}, token=token)
    return {}


def create_customer(info: Info, *, input: Fields | None = None) -> Fields:
    graph = graph_of(info)
    asked = inputs.customer((input or {}).get(CUSTOMER) or {})
    answer = graph.run(customers.create, CUSTOMER, asked, section=CUSTOMER)
    return {CUSTOMER: customer_of(graph.call, id_in(answer, CUSTOMER))}


def update_customer(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    identifier = legacy_id(str(input["customerId"]), CUSTOMER)
    graph.run(customers.update, CUSTOMER, inputs.customer(input[CUSTOMER]), section=CUSTOMER, id=identifier)
    return {CUSTOMER: customer_of(graph.call, identifier)}


def delete_customer(info: Info, *, input: Fields) -> Fields:
    """Delete a customer without payment methods."""
    graph = graph_of(info)
    call: Call = graph.require_keys()
    identifier = legacy_id(str(input["customerId"]), CUSTOMER)
    if call.store.payment_methods.find(call.merchant.id, customer_id=identifier):
        raise InvalidInput([InputFault("The customer still has payment methods", "", ("input", "customerId"))])
    graph.run(customers.delete, CUSTOMER, {}, id=identifier)
    return {}


def create_client_token(info: Info, *, input: Fields | None = None) -> Fields:
    asked = inputs.client_token(input or {})
    answer = graph_of(info).run(client_tokens.create, client_tokens.ROOT, asked, section="clientToken")
    return {"clientToken": id_in(answer, "", "value")}


def echoing(mutation: Mutation) -> Mutation:
    """The mutation, with the client's identifier of it in the answer."""

    def echo(info: Info, **arguments: Any) -> Fields:
        given = arguments.get("input") or {}
        return {"clientMutationId": given.get("clientMutationId"), **mutation(info, **arguments)}

    return echo


MUTATIONS: Mapping[str, Mutation] = {
    name: echoing(mutation)
    for name, mutation in {
        "tokenizeCreditCard": tokenize_credit_card,
        "chargePaymentMethod": sell(submit=True),
        "authorizePaymentMethod": sell(submit=False),
        "chargeCreditCard": sell(submit=True),
        "authorizeCreditCard": sell(submit=False),
        "captureTransaction": capture_transaction,
        "partialCaptureTransaction": partial_capture_transaction,
        "refundTransaction": refund_transaction,
        "reverseTransaction": reverse_transaction,
        "reverseRefund": reverse_refund,
        "vaultPaymentMethod": vault_payment_method,
        "vaultCreditCard": vault_payment_method,
        "deletePaymentMethodFromVault": delete_payment_method,
        "createCustomer": create_customer,
        "updateCustomer": update_customer,
        "deleteCustomer": delete_customer,
        "createClientToken": create_client_token,
        "sandboxSettleTransaction": sandbox_settle_transaction,
    }.items()
}
