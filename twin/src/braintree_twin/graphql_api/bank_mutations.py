"""Charges by the kind of the payment method, and verifications of cards and bank accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.errors import NotFound
from braintree_twin.graphql_api import inputs
from braintree_twin.graphql_api.context import (
    Fields,
    Info,
    InputFault,
    InvalidInput,
    graph_of,
    list_faults,
    transaction_path,
)
from braintree_twin.graphql_api.global_ids import legacy_id, token_or_nonce
from braintree_twin.graphql_api.mutations import Mutation, echoing, new_customer, sell, sold
from braintree_twin.graphql_api.objects import bank_verification, method_of, verification_of
from braintree_twin.params import Params
from braintree_twin.resources import payment_methods
from braintree_twin.resources.transactions.updating_details import update_details
from braintree_twin.resources.us_bank_account_verifications import DIFFERENT_AMOUNTS, confirm_amounts
from braintree_twin.resources.us_bank_account_verifications import ROOT as BANK_VERIFICATION
from braintree_twin.resources.verifications import NONCE_CODES
from braintree_twin.rules.bank_accounts import US_BANK_ACCOUNT
from braintree_twin.state.records import PaymentMethod
from braintree_twin.validation import Errors
from braintree_twin.vault.instruments import Instrument, consume, of_method, of_nonce
from braintree_twin.vault.verifying import link, read_options, verify
from braintree_twin.xml_reader import Value

BANK_VERIFICATION_KIND = "usbankaccountverification"


def _update_amount(info: Info, *, input: Fields) -> Fields:
    asked, identifier = inputs.texts(input, "amount"), transaction_path(input)
    return {"transaction": sold(graph_of(info), update_details, asked, section=None, id=identifier)}


def _bank_options(given: Fields) -> dict[str, Value]:
    way = given.get("verificationMethod")
    found = inputs.texts(given, "verificationMerchantAccountId", "makeDefault")
    if given.get("merchantAccountId"):
        found["verification_merchant_account_id"] = str(given["merchantAccountId"])
    return {**found, "us_bank_account_verification_method": str(way).lower()} if way else found


def _vault_bank_account(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    given = input.get("customerId")
    customer_id = legacy_id(str(given), "customer") if given else new_customer(graph)
    asked: dict[str, Value] = {
        "customer_id": customer_id,
        "payment_method_nonce": str(input["paymentMethodId"]),
        "options": _bank_options(input),
    }
    answer: Any = graph.run(payment_methods.create, payment_methods.ROOT, asked)
    token = str(answer.node["token"])
    return {"paymentMethod": method_of(graph.call, token), "verification": _newest(graph.call, token)}


def _newest(call: Call, token: str) -> Fields | None:
    found = call.store.bank_verifications.find(call.merchant.id, token=token, newest_first=True, limit=1)
    return bank_verification(call, found[0]) if found else None


def _vaulted(call: Call, identifier: str) -> PaymentMethod:
    method = call.store.payment_methods.get(call.merchant.id, legacy_id(identifier, "paymentmethod"))
    if method is None:
        raise NotFound
    return method


def _verify_bank_account(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    method = _vaulted(graph.require_keys(), str(input["paymentMethodId"]))
    if method.kind != US_BANK_ACCOUNT:
        raise InvalidInput([InputFault("The payment method is no US bank account.", "", ("input", "paymentMethodId"))])
    options = _bank_options(input)
    graph.run(payment_methods.update, payment_methods.ROOT, {"options": options}, token=method.token)
    return {"verification": _newest(graph.call, method.token)}


def _confirm(info: Info, *, input: Fields) -> Fields:
    graph = graph_of(info)
    identifier = legacy_id(str(input["verificationId"]), BANK_VERIFICATION_KIND)
    amounts: list[Value] = [str(each) for each in input["amountsInCents"]]
    answer: Any = graph.run(confirm_amounts, BANK_VERIFICATION, {"deposit_amounts": amounts}, id=identifier)
    if answer.root == "api_error_response":
        raise InvalidInput([_amounts_fault(answer.node)])
    call = graph.call
    record = call.store.bank_verifications.get(call.merchant.id, identifier)
    shown = bank_verification(call, record) if record else None
    confirmed = record is not None and record.status == "verified"
    return {"status": "CONFIRMED" if confirmed else "PENDING", "verification": shown}


def _amounts_fault(refused: Any) -> InputFault:
    """The fault of an attempt that counts, from the answer of the XML API."""
    fault = refused["errors"][BANK_VERIFICATION]["errors"].items[0]
    path = ("input", "amountsInCents") if fault["code"] == DIFFERENT_AMOUNTS else ("input",)
    return InputFault(fault["message"], fault["code"], path)


def _verify(info: Info, *, input: Fields) -> Fields:
    """Verify a card of the vault, or of a nonce, which is consumed."""
    call = graph_of(info).require_keys()
    instrument = _instrument(call, str(input["paymentMethodId"]))
    if instrument.card is None:
        raise InvalidInput([InputFault("Only cards can be verified.", "91738", ("input", "paymentMethodId"))])
    asked = inputs.card_verification(
        {"merchantAccountId": input.get("merchantAccountId"), **(input.get("options") or {})}
    )
    errors = Errors()
    account, value = read_options(call, Params({"options": asked}), errors)
    if errors:
        raise InvalidInput(list_faults(errors, "options", None))
    record = verify(call, instrument, account, value)
    consume(call, instrument)
    if instrument.method:
        link(call, record, instrument.method.token, instrument.method.customer_id)
    return {"verification": verification_of(call, record.id)}


def _instrument(call: Call, identifier: str) -> Instrument:
    found = token_or_nonce(identifier)
    if "payment_method_token" in found:
        return of_method(call, _vaulted(call, identifier))
    instrument = of_nonce(call, identifier, NONCE_CODES)
    if isinstance(instrument, str):
        message = "Unknown or expired single-use payment method."
        raise InvalidInput([InputFault(message, instrument, ("input", "paymentMethodId"))])
    return instrument


BANK_MUTATIONS: Mapping[str, Mutation] = {
    name: echoing(mutation)
    for name, mutation in {
        **dict.fromkeys(("chargePayPalAccount", "chargeVenmoAccount", "chargeUsBankAccount"), sell(submit=True)),
        **dict.fromkeys(("authorizePayPalAccount", "authorizeVenmoAccount"), sell(submit=False)),
        "updateTransactionAmount": _update_amount,
        "vaultUsBankAccount": _vault_bank_account,
        "verifyUsBankAccount": _verify_bank_account,
        "confirmMicroTransferAmounts": _confirm,
        "verifyPaymentMethod": _verify,
        "verifyCreditCard": _verify,
    }.items()
}
