"""Transactions, refunds, customers, payment methods and verifications as the graph shows them.

A field whose value costs a look-up is a function: it is called only if the query asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.graphql_api.authentications import three_d_secure
from braintree_twin.graphql_api.context import Fields
from braintree_twin.graphql_api.instruments import address, card_details, details, snapshot
from braintree_twin.ids import global_id
from braintree_twin.ledger.lifecycle import apply_due
from braintree_twin.rules.processor_responses import text_of
from braintree_twin.state.records import BankVerification, Customer, Nonce, PaymentMethod, Transaction, Verification
from braintree_twin.vault import bank_verifications
from braintree_twin.vault.storing import default_method, methods_of
from braintree_twin.views.authentication import risk_data
from braintree_twin.views.cards import method_global_id
from braintree_twin.views.transactions import NETWORK_RESPONSE, transaction_global_id

_CHECKS = {
    "A": "NOT_APPLICABLE",
    "B": "BYPASS",
    "E": "SYSTEM_ERROR",
    "I": "NOT_PROVIDED",
    "M": "MATCHES",
    "N": "DOES_NOT_MATCH",
    "S": "ISSUER_DOES_NOT_PARTICIPATE",
    "U": "NOT_VERIFIED",
}
_FINAL = frozenset(
    {
        "authorization_expired",
        "failed",
        "gateway_rejected",
        "processor_declined",
        "settled",
        "settlement_declined",
        "voided",
    }
)
_DECLINES = {"hard_declined": "HARD", "soft_declined": "SOFT"}
_SOURCES = frozenset({"api", "control_panel", "payment_reader", "recurring"})


def transaction_of(call: Call, identifier: str | None) -> Fields | None:
    """The transaction or refund with this legacy id, after everything that came due is applied."""
    record = call.store.transactions.get(call.merchant.id, identifier)
    if record is None:
        return None
    if record.due_at and record.due_at <= call.clock.stamp():
        apply_due(call, record)
    return payment(call, record)


def payment(call: Call, record: Transaction) -> Fields:
    """A sale as Transaction, a credit as Refund."""
    common: Fields = {
        "id": transaction_global_id(record),
        "legacyId": record.id,
        "createdAt": record.created_at,
        "amount": money(record.amount, record.currency),
        "orderId": record.order_id,
        "status": record.status.upper(),
        "processorResponse": _processor_response(record),
        "statusHistory": [_event(record, event) for event in reversed(record.history)],
        "merchantAccountId": record.merchant_account_id,
        "source": _source(record.history[0] if record.history else {}),
        "paymentMethodSnapshot": snapshot(record),
        "paymentMethod": lambda _: method_of(call, record.token),
        "customer": lambda _: customer_of(call, record.customer_id),
        "customFields": custom_fields(record.custom_fields),
        "descriptor": {name: record.descriptor.get(name) for name in ("name", "phone", "url")},
        "disbursementDetails": _disbursement(record),
    }
    return {**common, **(_refund(call, record) if record.type == "credit" else _sale(call, record))}


def _refund(call: Call, record: Transaction) -> Fields:
    return {
        "__typename": "Refund",
        "processorAuthorizationResponse": _processor_response(record),
        "refundedTransaction": lambda _: transaction_of(call, record.refunded_transaction_id),
    }


def _sale(call: Call, record: Transaction) -> Fields:
    shown = ("discount_amount", "surcharge_amount")
    return {
        "__typename": "Transaction",
        "initialRequestedAuthorizationAmount": money(record.amount_requested, record.currency),
        "merchantId": call.merchant.id,
        "purchaseOrderNumber": record.purchase_order_number,
        "riskData": _risk(record),
        "channel": record.channel,
        "shipping": {
            "shippingAddress": address(record.shipping),
            "shippingAmount": record.shipping_amount,
            "shipsFromPostalCode": record.ships_from_postal_code,
        },
        "tax": {"taxAmount": record.tax_amount, "taxExempt": record.tax_exempt},
        "scaExemptionRequested": (record.sca_exemption_requested or "").upper() or None,
        **dict(zip(("discountAmount", "surchargeAmount"), (getattr(record, name) for name in shown), strict=True)),
        "lineItems": [_line_item(item) for item in record.line_items],
        "refunds": lambda _: _all(call, record.refund_ids),
        "partialCaptureDetails": _parts(call, record),
        "billingAddress": address(record.billing),
        "retried": False,
        "partiallyAuthorized": Decimal(record.amount) < Decimal(record.amount_requested)
        and record.processor_response_code == "1004",
    }


def _all(call: Call, ids: Iterable[str]) -> list[Fields]:
    return [found for found in (transaction_of(call, each) for each in ids) if found]


def _parts(call: Call, record: Transaction) -> Fields | None:
    if not (record.partial_settlement_ids or record.authorized_transaction_id):
        return None
    return {
        "originalAuthorization": lambda _: transaction_of(call, record.authorized_transaction_id),
        "partialCaptures": lambda _: _all(call, record.partial_settlement_ids),
    }


def money(amount: str | None, currency: str) -> Fields | None:
    return {"value": amount, "currencyCode": currency, "currencyIsoCode": currency} if amount is not None else None


def custom_fields(fields: dict[str, Any]) -> list[Fields]:
    return [{"name": name, "value": value} for name, value in fields.items()]


def _line_item(item: dict[str, Any]) -> Fields:
    names = {
        "unitAmount": "unit_amount",
        "totalAmount": "total_amount",
        "unitTaxAmount": "unit_tax_amount",
        "taxAmount": "tax_amount",
        "discountAmount": "discount_amount",
        "unitOfMeasure": "unit_of_measure",
        "productCode": "product_code",
        "commodityCode": "commodity_code",
        "imageUrl": "image_url",
        **{name: name for name in ("name", "quantity", "description", "url")},
    }
    return {**{shown: item.get(name) for shown, name in names.items()}, "kind": str(item["kind"]).upper()}


def _processor_response(record: Transaction) -> Fields | None:
    code = record.processor_response_code
    if not code:
        return None
    return {
        "legacyCode": code,
        "message": text_of(code),
        "cvvResponse": _CHECKS.get(record.cvv or ""),
        "avsPostalCodeResponse": _CHECKS.get(record.avs_postal or ""),
        "avsStreetAddressResponse": _CHECKS.get(record.avs_street or ""),
        "authorizationId": record.processor_authorization_code,
        "additionalInformation": record.additional_processor_response,
        "retrievalReferenceNumber": record.retrieval_reference_number,
    }


def _risk(record: Transaction) -> Fields | None:
    if record.card is None:
        return None
    captured = record.device_data_captured
    shown = risk_data(record.id, record.card, record.gateway_rejection_reason, captured=captured)
    score = shown["transaction_risk_score"]
    return {
        "id": record.id,
        "decision": str(shown["decision"]).upper().replace(" ", "_"),
        "deviceDataCaptured": captured,
        "score": int(str(score)) if score is not None else None,
    }


def _disbursement(record: Transaction) -> Fields | None:
    known = record.disbursement
    if not known or not known.get("date"):
        return None
    return {
        "date": known["date"],
        "amount": money(known.get("amount"), known.get("currency") or record.currency),
        "exchangeRate": known.get("exchange_rate"),
        "fundsHeld": False,
    }


def _source(event: dict[str, Any]) -> str:
    source = event.get("transaction_source") or ""
    return source.upper() if source in _SOURCES else "UNKNOWN"


def _event(record: Transaction, event: dict[str, Any]) -> Fields:
    """One status of the history, with what the graph says about statuses of its type."""
    status = str(event["status"])
    settlement = {
        "legacyCode": record.processor_settlement_response_code or None,
        "message": record.processor_settlement_response_text or None,
    }
    is_settlement = status.startswith("settle")
    return {
        "__typename": "".join(word.capitalize() for word in status.split("_")) + "Event",
        "status": status.upper(),
        "timestamp": event["timestamp"],
        "amount": money(event["amount"], record.currency),
        "source": _source(event),
        "terminal": status in _FINAL,
        "userName": event.get("user"),
        "processorResponse": settlement if is_settlement else _processor_response(record),
        "networkResponse": dict(zip(("code", "message"), NETWORK_RESPONSE, strict=True)),
        "riskDecision": (_risk(record) or {}).get("decision"),
        "authorizationExpiresAt": record.authorization_expires_at,
        "declineType": _DECLINES.get(record.processor_response_type or ""),
        "gatewayRejectionReason": (record.gateway_rejection_reason or "").upper() or None,
        "settlementBatchId": record.settlement_batch_id,
    }


def customer_of(call: Call, customer_id: str | None) -> Fields | None:
    record = call.store.customers.get(call.merchant.id, customer_id)
    return customer(call, record) if record else None


def customer(call: Call, record: Customer) -> Fields:
    return {
        "__typename": "Customer",
        "id": global_id("customer", record.id),
        "legacyId": record.id,
        "company": record.company,
        "createdAt": record.created_at,
        "customFields": custom_fields(record.custom_fields),
        "defaultPaymentMethod": lambda _: _default(call, record.id),
        "email": record.email,
        "firstName": record.first_name,
        "lastName": record.last_name,
        "phoneNumber": record.phone,
        "fax": record.fax,
        "website": record.website,
        "paymentMethods": lambda _, first=None, after=None: connection(
            [payment_method(call, each) for each in methods_of(call, record.id)], first, after
        ),
        "transactions": lambda _, first=None, after=None: connection(
            [
                payment(call, each)
                for each in call.store.transactions.find(call.merchant.id, newest_first=True, customer_id=record.id)
                if each.type == "sale"
            ],
            first,
            after,
        ),
    }


def _default(call: Call, customer_id: str) -> Fields | None:
    found = default_method(call, customer_id)
    return payment_method(call, found) if found else None


def method_of(call: Call, token: str | None) -> Fields | None:
    record = call.store.payment_methods.get(call.merchant.id, token)
    return payment_method(call, record) if record else None


def payment_method(call: Call, record: PaymentMethod) -> Fields:
    return {
        "__typename": "PaymentMethod",
        "id": method_global_id(record.kind, record.token),
        "legacyId": record.token,
        "usage": "MULTI_USE",
        "createdAt": record.created_at,
        "details": details(record),
        "customer": lambda _: customer_of(call, record.customer_id),
    }


def single_use_method(nonce: Nonce) -> Fields:
    return {
        "__typename": "PaymentMethod",
        "id": nonce.nonce,
        "legacyId": nonce.nonce,
        "usage": "SINGLE_USE",
        "createdAt": nonce.created_at,
        "details": _with_authentication(details(nonce), nonce),
        "customer": None,
    }


def _with_authentication(shown: Fields | None, nonce: Nonce) -> Fields | None:
    if shown is None or not nonce.card:
        return shown
    return {**shown, "threeDSecure": three_d_secure(nonce.three_d_secure)}


def single_use_card(nonce: Nonce) -> Fields:
    return card_details(nonce.kind, nonce.card or {}, nonce.wallet, nonce.billing)


def verification_of(call: Call, identifier: str | None) -> Fields | None:
    record = call.store.verifications.get(call.merchant.id, identifier)
    return verification(record) if record else None


def verification(record: Verification) -> Fields:
    code = record.processor_response_code
    return {
        "__typename": "Verification",
        "id": global_id("verification", record.id),
        "legacyId": record.id,
        "createdAt": record.created_at,
        "status": record.status.upper(),
        "merchantAccountId": record.merchant_account_id,
        "processorResponse": {
            "legacyCode": code,
            "message": text_of(code) if code else None,
            "cvvResponse": _CHECKS.get(record.cvv),
            "avsPostalCodeResponse": _CHECKS.get(record.avs_postal),
            "avsStreetAddressResponse": _CHECKS.get(record.avs_street),
        },
        "gatewayRejectionReason": (record.gateway_rejection_reason or "").upper() or None,
    }


PAGE_SIZE = 50


def bank_verification_of(call: Call, identifier: str) -> Fields | None:
    bank_verifications.apply_due(call)
    record = call.store.bank_verifications.get(call.merchant.id, identifier)
    return bank_verification(record) if record else None


def bank_verification(record: BankVerification) -> Fields:
    code = record.processor_response_code
    return {
        "__typename": "Verification",
        "id": global_id("usbankaccountverification", record.id),
        "legacyId": record.id,
        "createdAt": record.created_at,
        "status": record.status.upper(),
        "merchantAccountId": record.merchant_account_id,
        "processorResponse": {"legacyCode": code, "message": text_of(code) if code else None},
    }


def connection(nodes: list[Fields], first: int | None, after: str | None) -> Fields:
    """One page of nodes, from behind the cursor `after`: a cursor is the position in the list."""
    start = int(after) if after and after.isascii() and after.isdigit() and len(after) < 10 else 0
    size = PAGE_SIZE if first is None else max(0, min(first, PAGE_SIZE))
    page = nodes[start : start + size]
    edges = [{"cursor": str(start + number), "node": node} for number, node in enumerate(page, 1)]
    return {
        "edges": edges,
        "pageInfo": {
            "hasNextPage": start + size < len(nodes),
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }
