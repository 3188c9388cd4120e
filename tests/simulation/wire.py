"""The gateway's HTTP side, over the gateway in memory: what the real adapter sends is read, and answered in XML."""

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
    Approved,
    Authorization,
    Capture,
    Declined,
    Nonce,
    Outcome,
    Refund,
    Rejected,
    Source,
    Transaction,
    Void,
)
from domain.customer import Customer
from domain.ids import CallerId, CustomerId, OperationId, PaymentMethodId
from domain.instrument import Card, CardExpiry
from domain.money import Money
from domain.transaction import TransactionStatus
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.runtime import HELD, START

Reply = tuple[int, bytes]

KEY_NOT_ALLOWED: Final = "915231"
TOKEN_NOT_WELCOME: Final = "91515"

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
    """One request as it arrives. `operation_id`: captures and voids carry none, so the simulation adds it."""

    verb: str
    path: str
    body: bytes
    operation_id: OperationId

    @classmethod
    def read(cls, raw: bytes, operation_id: OperationId) -> Request:
        head, _, body = raw.partition(b"\r\n\r\n")
        verb, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        return cls(verb, path, body, operation_id)


class Wire:
    """`allows_keys`: whether the merchant may use api_request_key. `welcomes_tokens`: with nonces, tokens of ours."""

    def __init__(self, gateway: MemoryGateway, *, allows_keys: bool, welcomes_tokens: bool) -> None:
        self._gateway = gateway
        self._allows_keys = allows_keys
        self._welcomes_tokens = welcomes_tokens
        self._keyed: dict[str, Reply] = {}
        self._stored = 0

    def answer(self, request: Request) -> Reply:
        match = _PATH.fullmatch(request.path)
        assert match is not None, request.path
        asked = ElementTree.fromstring(request.body) if request.body else Element("nothing")  # noqa: S314
        match match["what"], match["which"], match["deed"]:
            case "transactions", "advanced_search_ids", None:
                return self._search_ids(asked)
            case "transactions", "advanced_search", None:
                return self._search(asked)
            case "transactions", None, None:
                return self._once(asked, lambda: self._sell(asked))
            case "transactions", str(which), None:
                found = self._gateway.find_transaction(which)
                return (404, b"") if found is None else (200, _transaction(found))
            case "transactions", str(which), str(deed):
                return self._once(asked, lambda: self._change(deed, which, asked, request.operation_id))
            case "customers", None, None:
                return self._keep_customer(_text(asked, "id"))
        raise AssertionError(f"the simulation knows no {request.verb} {request.path}")

    def _once(self, asked: Element, act: Callable[[], Reply]) -> Reply:
        key = _text(asked, "api_request_key")
        if key and not self._allows_keys:
            return _refusal(KEY_NOT_ALLOWED)
        if not key:
            return act()
        if key not in self._keyed:
            self._keyed[key] = act()
        return self._keyed[key]

    def _sell(self, asked: Element) -> Reply:
        token = _text(asked, "credit_card/token")
        nonce = _text(asked, "payment_method_nonce")
        keeps = _text(asked, "options/store_in_vault_on_success") == "true"
        if token and nonce and not self._welcomes_tokens:
            return _refusal(TOKEN_NOT_WELCOME)
        if keeps and not token:
            self._stored += 1
            token = f"theirs{self._stored}"
        customer_id = _text(asked, "customer_id")
        return self._reply(
            self._gateway.authorize(
                Authorization(
                    operation_id=OperationId(_text(asked, "order_id")),
                    amount=_money(asked),
                    source=_source(asked, nonce),
                    captures=_text(asked, "options/submit_for_settlement") == "true",
                    customer=_customer(customer_id) if customer_id else None,
                    store_as=PaymentMethodId(token) if keeps else None,
                ),
                HELD,
            )
        )

    def _change(self, deed: str, which: str, asked: Element, operation_id: OperationId) -> Reply:
        match deed:
            case "void":
                return self._reply(self._gateway.void(Void(operation_id=operation_id, transaction_id=which), HELD))
            case "refund":
                named = OperationId(_text(asked, "order_id"))
                return self._reply(
                    self._gateway.refund(Refund(operation_id=named, transaction_id=which, amount=_money(asked)), HELD)
                )
        in_part = deed == "submit_for_partial_settlement"
        assert in_part or deed == "submit_for_settlement", deed
        capture = Capture(
            operation_id=OperationId(_text(asked, "order_id")) if in_part else operation_id,
            transaction_id=which,
            amount=_money(asked),
            in_part=in_part,
            final=_text(asked, "final_capture") == "true",
        )
        return self._reply(self._gateway.capture(capture, HELD))

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

    def _keep_customer(self, customer_id: str) -> Reply:
        self._gateway.ensure_customer(_customer(customer_id), HELD)
        return 201, f"<customer><id>{customer_id}</id></customer>".encode()

    def _found(self, asked: Element) -> list[Transaction]:
        named = [item.text or "" for item in asked.findall("ids/item")]
        if named:
            return self._gateway.find_transactions(named)
        return self._gateway.find_by_operation(OperationId(_text(asked, "order_id/is")))

    def _search_ids(self, asked: Element) -> Reply:
        ids = "".join(f"<item>{found.transaction_id}</item>" for found in self._found(asked))
        return 200, (
            f'<search-results><page-size type="integer">50</page-size><ids type="array">{ids}</ids></search-results>'
        ).encode()

    def _search(self, asked: Element) -> Reply:
        shown = b"".join(_transaction(found) for found in self._found(asked))
        return 200, b'<credit-card-transactions type="collection">' + shown + b"</credit-card-transactions>"


def _text(asked: Element, path: str) -> str:
    return asked.findtext(path) or ""


def _money(asked: Element) -> Money:
    return Money.from_decimal(_text(asked, "amount"), "USD")


def _source(asked: Element, nonce: str) -> Source:
    if nonce:
        return Nonce(nonce)
    month, year = _text(asked, "credit_card/expiration_month"), _text(asked, "credit_card/expiration_year")
    return Card(_text(asked, "credit_card/number"), CardExpiry(int(year), int(month)))


def _customer(customer_id: str) -> Customer:
    return Customer(
        customer_id=CustomerId(customer_id), caller_id=CallerId("shop"), create_time=START, update_time=START
    )


def _refusal(code: str) -> Reply:
    error = f'<error><code>{code}</code><attribute type="symbol">base</attribute><message>no</message></error>'
    return 422, _ERROR.format(f'<transaction><errors type="array">{error}</errors></transaction>', "").encode()


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
    card = f"<credit-card><token>{found.token}</token><last-4>1111</last-4><card-type>Visa</card-type></credit-card>"
    return (
        f'<transaction>{plain}{dated}{listed}{card}<status-history type="array">{history}</status-history>'
        "</transaction>"
    ).encode()


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
