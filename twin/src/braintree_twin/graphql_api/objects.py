"""Transactions, refunds, customers, payment methods and verifications as the graph shows them.

A field whose value costs a look-up is a function: it is called only if the query asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.graphql_api.authentications import authentication_insight, three_d_secure
from braintree_twin.graphql_api.context import Fields, Info
from braintree_twin.graphql_api.instruments import address, bank_account, card_details, details, snapshot, verified_card
from braintree_twin.graphql_api.processor_answers import (
    CHECKS,
    adjustments,
    disbursement,
    event,
    installments,
    money,
    network_response,
    processor_response,
    risk,
    settlement_response,
    source,
)
from braintree_twin.ids import global_id
from braintree_twin.ledger.lifecycle import apply_due
from braintree_twin.rules.bank_accounts import US_BANK_ACCOUNT
from braintree_twin.rules.processor_responses import text_of
from braintree_twin.state.records import BankVerification, Customer, Nonce, PaymentMethod, Transaction, Verification
from braintree_twin.vault import bank_verifications
from braintree_twin.vault.storing import default_method, methods_of
from braintree_twin.views.cards import method_global_id
from braintree_twin.views.transactions import transaction_global_id


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

    def original(_: Info) -> Fields | None:
        return transaction_of(call, record.duplicate_of)

    common: Fields = {
        "id": transaction_global_id(record),
        "legacyId": record.id,
        "createdAt": record.created_at,
        "amount": money(record.amount, record.currency),
        "orderId": record.order_id,
        "status": record.status.upper(),
        "processorResponse": processor_response(record),
        "statusHistory": [event(record, each, original) for each in reversed(record.history)],
        "merchantAccountId": record.merchant_account_id,
        "source": source(record.history[0] if record.history else {}),
        "paymentMethodSnapshot": lambda info: snapshot(info, record),
        "paymentMethod": lambda _: method_of(call, record.token),
        "customer": lambda _: customer_of(call, record.customer_id),
        "customFields": custom_fields(record.custom_fields),
        "descriptor": {name: record.descriptor.get(name) for name in ("name", "phone", "url")},
        "disbursementDetails": disbursement(record),
        "lineItems": [_line_item(item) for item in record.line_items],
        "processorSettlementResponse": settlement_response(record),
    }
    return {**common, **(_refund(call, record) if record.type == "credit" else _sale(call, record))}


def _refund(call: Call, record: Transaction) -> Fields:
    return {
        "__typename": "Refund",
        "processorAuthorizationResponse": processor_response(record),
        "refundedTransaction": lambda _: transaction_of(call, record.refunded_transaction_id),
    }


def _sale(call: Call, record: Transaction) -> Fields:
    shown = ("discount_amount", "surcharge_amount")
    return {
        "__typename": "Transaction",
        "initialRequestedAuthorizationAmount": money(record.amount_requested, record.currency),
        "merchantId": call.merchant.id,
        "merchantName": call.merchant.company_name,
        "processorAuthorizationResponse": processor_response(record),
        "authorizationAdjustments": adjustments(record),
        "installmentDetails": installments(record),
        "purchaseOrderNumber": record.purchase_order_number,
        "riskData": risk(record),
        "channel": record.channel,
        "shipping": {
            "shippingAddress": address(record.shipping),
            "shippingAmount": record.shipping_amount,
            "shippingTaxAmount": record.shipping_tax_amount,
            "shippingMethod": (record.shipping_method or "").upper() or None,
            "shipsFromPostalCode": record.ships_from_postal_code,
        },
        "tax": {"taxAmount": record.tax_amount, "taxExempt": record.tax_exempt},
        "scaExemptionRequested": (record.sca_exemption_requested or "").upper() or None,
        **dict(zip(("discountAmount", "surchargeAmount"), (getattr(record, name) for name in shown), strict=True)),
        "refunds": lambda _: _all(call, record.refund_ids),
        "partialCaptureDetails": _parts(call, record),
        "billingAddress": address(record.billing),
        "retried": bool(record.retry_ids),
        "retriedParentTransaction": lambda _: transaction_of(call, record.retried_transaction_id),
        "retriedTransactions": lambda _: _all(call, record.retry_ids),
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
        "details": lambda _: {**(details(record) or {}), **_state(call, record)} or None,
        "customer": lambda _: customer_of(call, record.customer_id),
        "verifications": lambda _, first=None, after=None: connection(_verifications(call, record), first, after),
    }


def _state(call: Call, record: PaymentMethod) -> Fields:
    """What the vault knows of a method beside its details."""
    if record.kind == US_BANK_ACCOUNT:
        return {"verified": bank_verifications.is_verified(call, record.token)}
    return {"cardOnFileNetworkTokenized": record.network_token} if record.card else {}


def _verifications(call: Call, record: PaymentMethod) -> list[Fields]:
    """The verifications of a method, newest first."""
    if record.kind == US_BANK_ACCOUNT:
        return [
            bank_verification(call, each) for each in reversed(bank_verifications.verifications_of(call, record.token))
        ]
    found = call.store.verifications.find(call.merchant.id, newest_first=True, token=record.token)
    return [verification(call, each) for each in found]


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
    known = three_d_secure(nonce.three_d_secure) or {}
    return {**shown, "threeDSecure": {**known, "authenticationInsight": authentication_insight}}


def single_use_card(nonce: Nonce) -> Fields:
    return card_details(nonce.kind, nonce.card or {}, nonce.wallet, nonce.billing)


def verification_of(call: Call, identifier: str | None) -> Fields | None:
    record = call.store.verifications.get(call.merchant.id, identifier)
    return verification(call, record) if record else None


def verification(call: Call, record: Verification) -> Fields:
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
            "cvvResponse": CHECKS.get(record.cvv),
            "avsPostalCodeResponse": CHECKS.get(record.avs_postal),
            "avsStreetAddressResponse": CHECKS.get(record.avs_street),
        },
        "networkResponse": network_response() if code else None,
        "gatewayRejectionReason": (record.gateway_rejection_reason or "").upper() or None,
        "paymentMethodSnapshot": lambda info: verified_card(info, record),
        "paymentMethod": lambda _: method_of(call, record.token),
        "amount": money(record.amount, record.currency),
        "paymentMethodVerificationDetails": {
            "__typename": "CreditCardVerificationDetails",
            "amount": money(record.amount, record.currency),
        },
    }


PAGE_SIZE = 50


def bank_verification_of(call: Call, identifier: str) -> Fields | None:
    bank_verifications.apply_due(call)
    record = call.store.bank_verifications.get(call.merchant.id, identifier)
    return bank_verification(call, record) if record else None


def bank_verification(call: Call, record: BankVerification) -> Fields:
    code = record.processor_response_code
    return {
        "__typename": "Verification",
        "id": global_id("usbankaccountverification", record.id),
        "legacyId": record.id,
        "createdAt": record.created_at,
        "status": record.status.upper(),
        "merchantAccountId": record.merchant_account_id,
        "processorResponse": {
            "legacyCode": code,
            "message": text_of(code) if code else None,
            "additionalInformation": record.additional_processor_response,
        },
        "paymentMethodSnapshot": bank_account(record.account),
        "paymentMethod": lambda _: method_of(call, record.token),
        "paymentMethodVerificationDetails": {
            "__typename": "UsBankAccountVerificationDetails",
            "method": record.method.upper(),
            "verificationDeterminedAt": record.determined_at,
        },
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
