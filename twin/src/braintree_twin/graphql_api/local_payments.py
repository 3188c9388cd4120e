"""Local payment contexts, as the SDKs' gateway creates and finds them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from braintree_twin.calls import Call
from braintree_twin.graphql_api.context import Fields, Info, InputFault, InvalidInput, graph_of
from braintree_twin.ids import global_id
from braintree_twin.ledger.local_payments import apply_due, create
from braintree_twin.rules.money import canonical
from braintree_twin.state.records import LocalPayment

KIND = "localpaymentcontext"
# Braintree publishes no codes for these errors.
_PATH = ("input", "paymentContext")


def create_context(info: Info, *, input: Fields) -> Fields:
    call, given = graph_of(info).require_keys(), input["paymentContext"]
    account_id = given.get("merchantAccountId")
    account = call.merchant.by_id.get(account_id) if account_id else call.merchant.default_account
    faults = []
    if account is None:
        faults.append(InputFault("Merchant account ID is invalid.", "91513", (*_PATH, "merchantAccountId")))
    amount, currency = _amount(given["amount"]), given["amount"].get("currencyCode")
    if amount is None:
        faults.append(InputFault("Amount is an invalid format.", "81503", (*_PATH, "amount", "value")))
    if account and currency and currency != account.currency:
        message = "Currency must be that of the merchant account."
        faults.append(InputFault(message, "915214", (*_PATH, "amount", "currencyCode")))
    if faults or account is None or amount is None:
        raise InvalidInput(faults)
    payer = given.get("payerInfo") or {}
    record = create(
        call,
        type=given["type"],
        amount=canonical(amount, account.currency),
        currency=account.currency,
        merchant_account_id=account.id,
        order_id=given.get("orderId"),
        return_url=given.get("returnUrl"),
        payer_name=" ".join(name for name in (payer.get("givenName"), payer.get("surname")) if name) or None,
    )
    return {"paymentContext": _shown(call, record)}


def _amount(given: Fields) -> Decimal | None:
    try:
        amount = Decimal(str(given.get("value")))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount > 0 else None


def context_of(call: Call, identifier: str) -> Fields | None:
    apply_due(call)
    record = call.store.local_payments.get(call.merchant.id, identifier)
    return _shown(call, record) if record else None


def _shown(call: Call, record: LocalPayment) -> Fields:
    amount = {"value": record.amount, "currencyCode": record.currency, "currencyIsoCode": record.currency}
    return {
        "__typename": "LocalPaymentContext",
        "id": global_id(KIND, record.id),
        "legacyId": record.id,
        "type": record.type,
        "paymentId": record.payment_id,
        "approvalUrl": f"{call.base_url}/merchants/{call.merchant.id}/local_payments/{record.id}/approval",
        "merchantAccountId": record.merchant_account_id,
        "orderId": record.order_id,
        "amount": amount,
        "createdAt": record.created_at,
        "updatedAt": record.updated_at,
        "approvedAt": record.approved_at,
        "transactedAt": record.transacted_at,
        "expiredAt": record.expired_at,
    }
