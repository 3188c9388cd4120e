"""The gateway's XML API over the gateway in memory: it reads the adapter's requests and answers in XML."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from application.ports.gateway import (
    Adjust,
    Adjustment,
    Approved,
    Authorization,
    Capture,
    Declined,
    Nonce,
    Outcome,
    Refund,
    Rejected,
    Source,
    ThreeDSecureRequest,
    Transaction,
    Void,
)
from domain.customer import Customer
from domain.ids import CallerId, CustomerId, OperationId, PaymentMethodId
from domain.instrument import Card, CardExpiry
from domain.money import Money
from domain.three_d_secure import ThreeDSecureResult
from domain.transaction import TransactionStatus
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.runtime import HELD, START

Reply = tuple[int, bytes]

ADJUSTMENT_DECLINED: Final = "95602"
SAME_AMOUNT: Final = "95606"
KEY_NOT_ALLOWED: Final = "915231"
TOKEN_WITH_NONCE_REFUSED: Final = "91515"

_STATUSES: Final = {
    TransactionStatus.AUTHORIZING: "authorizing",
    TransactionStatus.AUTHORIZED: "authorized",
    TransactionStatus.EXPIRED: "authorization_expired",
    TransactionStatus.SUBMITTED: "submitted_for_settlement",
    TransactionStatus.PARTIALLY_CAPTURED: "settlement_pending",
    TransactionStatus.SETTLING: "settling",
    TransactionStatus.SETTLED: "settled",
    TransactionStatus.SETTLEMENT_DECLINED: "settlement_declined",
    TransactionStatus.DECLINED: "processor_declined",
    TransactionStatus.FAILED: "failed",
    TransactionStatus.VOIDED: "voided",
}
_ERROR: Final = (
    '<api-error-response><errors><errors type="array"/>{}</errors><message>no</message>{}</api-error-response>'
)
_PATH: Final = re.compile(r"/merchants/[^/]+/(?P<what>[a-z_]+)(?:/(?P<which>[^/]+)(?:/(?P<deed>[a-z_]+))?)?")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. The simulation adds `operation_id`: captures and voids contain none."""

    verb: str
    path: str
    body: bytes
    operation_id: OperationId

    @classmethod
    def read(cls, raw: bytes, operation_id: OperationId) -> Request:
        head, _, body = raw.partition(b"\r\n\r\n")
        verb, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        return cls(verb, path, body, operation_id)


class XmlGateway:
    """The XML API of one merchant.

    `allows_request_keys`: it may use api_request_key. `accepts_token_with_nonce`: a sale by nonce may name our token.
    """

    def __init__(self, gateway: MemoryGateway, *, allows_request_keys: bool, accepts_token_with_nonce: bool) -> None:
        self._gateway = gateway
        self._allows_request_keys = allows_request_keys
        self._accepts_token_with_nonce = accepts_token_with_nonce
        self._answers_by_key: dict[str, Reply] = {}
        self._stored = 0

    def answer(self, request: Request) -> Reply:
        match = _PATH.fullmatch(request.path)
        assert match is not None, request.path
        document = ElementTree.fromstring(request.body) if request.body else Element("nothing")  # noqa: S314
        match match["what"], match["which"], match["deed"]:
            case "transactions", "advanced_search_ids", None:
                return self._search_ids(document)
            case "transactions", "advanced_search", None:
                return self._search(document)
            case "transactions", None, None:
                return self._once(document, lambda: self._sell(document))
            case "transactions", str(transaction_id), None:
                found = self._gateway.find_transaction(transaction_id)
                return (404, b"") if found is None else (200, _transaction(found))
            case "transactions", str(transaction_id), str(action):
                return self._once(
                    document, lambda: self._change(action, transaction_id, document, request.operation_id)
                )
            case "customers", None, None:
                return self._ensure_customer(_text(document, "id"))
        raise AssertionError(f"the simulation knows no {request.verb} {request.path}")

    def _once(self, document: Element, act: Callable[[], Reply]) -> Reply:
        key = _text(document, "api_request_key")
        if key and not self._allows_request_keys:
            return _refusal(KEY_NOT_ALLOWED)
        if not key:
            return act()
        if key not in self._answers_by_key:
            self._answers_by_key[key] = act()
        return self._answers_by_key[key]

    def _sell(self, document: Element) -> Reply:
        token = _text(document, "credit_card/token")
        nonce = _text(document, "payment_method_nonce")
        stores = _text(document, "options/store_in_vault_on_success") == "true"
        if token and nonce and not self._accepts_token_with_nonce:
            return _refusal(TOKEN_WITH_NONCE_REFUSED)
        if stores and not token:
            self._stored += 1
            token = f"theirs{self._stored}"
        customer_id = _text(document, "customer_id")
        return self._reply(
            self._gateway.authorize(
                Authorization(
                    operation_id=OperationId(_text(document, "order_id")),
                    amount=_money(document),
                    source=_source(document, nonce),
                    captures=_text(document, "options/submit_for_settlement") == "true",
                    customer=_customer(customer_id) if customer_id else None,
                    store_as=PaymentMethodId(token) if stores else None,
                    three_d_secure=ThreeDSecureRequest(is_required=_required(document)),
                    merchant_account_id=_text(document, "merchant_account_id"),
                ),
                HELD,
            )
        )

    def _change(self, action: str, transaction_id: str, document: Element, operation_id: OperationId) -> Reply:
        match action:
            case "void":
                return self._reply(
                    self._gateway.void(Void(operation_id=operation_id, transaction_id=transaction_id), HELD)
                )
            case "adjust_authorization":
                return self._adjust(transaction_id, _money(document), operation_id)
            case "refund":
                named = OperationId(_text(document, "order_id"))
                return self._reply(
                    self._gateway.refund(
                        Refund(operation_id=named, transaction_id=transaction_id, amount=_money(document)), HELD
                    )
                )
        in_part = action == "submit_for_partial_settlement"
        assert in_part or action == "submit_for_settlement", action
        capture = Capture(
            operation_id=OperationId(_text(document, "order_id")) if in_part else operation_id,
            transaction_id=transaction_id,
            amount=_money(document),
            in_part=in_part,
            final=_text(document, "final_capture") == "true",
        )
        return self._reply(self._gateway.capture(capture, HELD))

    def _adjust(self, transaction_id: str, amount: Money, operation_id: OperationId) -> Reply:
        before = self._gateway.find_transaction(transaction_id)
        if before is not None and (before.amount, before.standing.status) == (amount, TransactionStatus.AUTHORIZED):
            return _refusal(SAME_AMOUNT)
        asked = Adjust(operation_id=operation_id, transaction_id=transaction_id, amount=amount)
        outcome = self._gateway.adjust(asked, HELD)
        if not isinstance(outcome, Declined):
            return self._reply(outcome)
        tried = self._gateway.find_transaction(transaction_id)
        assert tried is not None
        return _refusal(ADJUSTMENT_DECLINED, _transaction(tried).decode())

    def _reply(self, outcome: Outcome) -> Reply:
        match outcome:
            case Approved(transaction):
                return 201, _transaction(transaction)
            case Rejected(details=details) if details.validation_code:
                return _refusal(details.validation_code)
            case Rejected():
                return 404, b""
            case Declined(details=details):
                made = self._gateway.find_transaction(details.transaction_id)
                assert made is not None, details
                return 422, _ERROR.format("", _transaction(made).decode()).encode()
        raise AssertionError(outcome)

    def _ensure_customer(self, customer_id: str) -> Reply:
        self._gateway.ensure_customer(_customer(customer_id), HELD)
        return 201, f"<customer><id>{customer_id}</id></customer>".encode()

    def _found(self, document: Element) -> list[Transaction]:
        named = [item.text or "" for item in document.findall("ids/item")]
        if named:
            return self._gateway.find_transactions(named)
        return self._gateway.find_by_operation(OperationId(_text(document, "order_id/is")))

    def _search_ids(self, document: Element) -> Reply:
        ids = "".join(f"<item>{found.transaction_id}</item>" for found in self._found(document))
        return 200, (
            f'<search-results><page-size type="integer">50</page-size><ids type="array">{ids}</ids></search-results>'
        ).encode()

    def _search(self, document: Element) -> Reply:
        shown = b"".join(_transaction(found) for found in self._found(document))
        return 200, b'<credit-card-transactions type="collection">' + shown + b"</credit-card-transactions>"


def _text(document: Element, path: str) -> str:
    return document.findtext(path) or ""


def _money(document: Element) -> Money:
    return Money.from_decimal(_text(document, "amount"), "USD")


def _source(document: Element, nonce: str) -> Source:
    if nonce:
        return Nonce(nonce)
    month, year = _text(document, "credit_card/expiration_month"), _text(document, "credit_card/expiration_year")
    return Card(_text(document, "credit_card/number"), CardExpiry(int(year), int(month)))


def _required(document: Element) -> bool | None:
    """Whether the sale requires a liability shift. None: nothing is said of it."""
    text = _text(document, "options/three_d_secure/required")
    return text == "true" if text else None


def _customer(customer_id: str) -> Customer:
    return Customer(
        customer_id=CustomerId(customer_id), caller_id=CallerId("shop"), create_time=START, update_time=START
    )


def _refusal(code: str, transaction: str = "") -> Reply:
    error = f'<error><code>{code}</code><attribute type="symbol">base</attribute><message>no</message></error>'
    return 422, _ERROR.format(f'<transaction><errors type="array">{error}</errors></transaction>', transaction).encode()


def _transaction(found: Transaction) -> bytes:
    is_settled = found.standing.status is TransactionStatus.SETTLED and found.standing.settle_time is not None
    history = ""
    if is_settled and found.standing.settle_time is not None:
        history = (
            '<status-event><timestamp type="datetime">'
            f"{_moment(found.standing.settle_time)}</timestamp><status>settled</status>"
            f"<amount>{found.amount.to_decimal()}</amount></status-event>"
        )
    parts = {
        "id": found.transaction_id,
        "type": found.kind.value,
        "status": _STATUSES[found.standing.status],
        "amount": found.amount.to_decimal(),
        "currency-iso-code": "USD",
        "order-id": found.order_id,
        "processor-response-code": "1000" if found.decline is None else "2001",
        "processor-settlement-response-code": "4001" if found.decline is not None else "",
        "refunded-transaction-id": found.refunded_transaction_id,
        "authorized-transaction-id": found.authorized_transaction_id,
        "payment-instrument-type": "credit_card",
    }
    plain = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items() if value)
    moments = {"created-at": found.create_time, "authorization-expires-at": found.standing.authorization_expire_time}
    dated = "".join(f'<{n} type="datetime">{_moment(value)}</{n}>' for n, value in moments.items() if value)
    lists = {"refund-ids": found.refund_ids, "partial-settlement-transaction-ids": found.partial_settlement_ids}
    listed = "".join(
        f'<{name} type="array">{"".join(f"<item>{one}</item>" for one in ids)}</{name}>' for name, ids in lists.items()
    )
    tries = "".join(_adjustment(one) for one in found.adjustments)
    listed += f'<authorization-adjustments type="array">{tries}</authorization-adjustments>'
    result = found.details.three_d_secure
    listed += _authentication(result) if result is not None else ""
    card = f"<credit-card><token>{found.token}</token><last-4>1111</last-4><card-type>Visa</card-type></credit-card>"
    return (
        f'<transaction>{plain}{dated}{listed}{card}<status-history type="array">{history}</status-history>'
        "</transaction>"
    ).encode()


def _authentication(result: ThreeDSecureResult) -> str:
    shifted, possible = str(result.liability_shifted).lower(), str(result.liability_shift_possible).lower()
    return (
        f"<three-d-secure-info><status>{result.gateway_status}</status>"
        f'<liability-shifted type="boolean">{shifted}</liability-shifted>'
        f'<liability-shift-possible type="boolean">{possible}</liability-shift-possible></three-d-secure-info>'
    )


def _adjustment(tried: Adjustment) -> str:
    return (
        f"<authorization-adjustment><amount>{tried.change.to_decimal()}</amount>"
        f'<success type="boolean">{str(tried.succeeded).lower()}</success>'
        f"<processor-response-code>{tried.details.processor_response_code}</processor-response-code>"
        "</authorization-adjustment>"
    )


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
