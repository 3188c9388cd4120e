"""Reads the parts of payments that a search finds, and no others: the index reads each payment once or twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from adapters.persistence.encryption.sealing import Sealer, associated_data
from adapters.persistence.sql.bulk import OfKeys
from adapters.persistence.tables import customers, operations, payments
from application.ports.search import SearchedOperation, SearchedPayment
from application.search.search_terms import email_of_account
from domain.ids import CallerId, CustomerId, OperationId, PaymentId
from domain.money import Money

_p: Final = payments.c
_o: Final = operations.c
_c: Final = customers.c


def _of_payments(keys: Select[Any]) -> Select[Any]:
    columns = (_p.payment_id, _p.caller_id, _p.customer_id, _p.create_time, _p.reference, _p.minor_units)
    more = (_p.currency_code, _p.last_four, _p.terms, _p.instrument)
    record = (_c.external_id, _c.given_name, _c.family_name, _c.email)
    own = select(*columns, *more, *record).outerjoin_from(payments, customers, _c.customer_id == _p.customer_id)
    return own.where(_p.payment_id.in_(keys))


def _of_operations(keys: Select[Any]) -> Select[Any]:
    columns = (_o.payment_id, _o.operation_id, _o.minor_units, _o.currency_code, _o.transaction_id, _o.rest)
    return select(*columns).where(_o.payment_id.in_(keys)).order_by(_o.payment_id, _o.sequence)


_PAYMENTS: Final = OfKeys(_of_payments)
_OPERATIONS: Final = OfKeys(_of_operations)


def read_contents(connection: Connection, sealer: Sealer, payment_ids: Collection[str]) -> list[SearchedPayment]:
    """The payments as they are now. Raises CannotOpen."""
    found: defaultdict[str, list[SearchedOperation]] = defaultdict(list)
    for payment_id, *its in _OPERATIONS.all(connection, payment_ids):
        found[payment_id].append(_operation(*its))
    return [_payment(sealer, found[row[0]], *row) for row in _PAYMENTS.all(connection, payment_ids)]


def _operation(
    operation_id: str, minor_units: int, currency_code: str, transaction_id: str, rest: Mapping[str, Any]
) -> SearchedOperation:
    details = rest.get("details", _NOTHING)
    return SearchedOperation(
        OperationId(operation_id),
        Money(minor_units, currency_code),
        transaction_id,
        details.get("transaction_id", ""),
        details.get("network_transaction_id", ""),
    )


def _payment(
    sealer: Sealer,
    its_operations: list[SearchedOperation],
    payment_id: str,
    caller_id: str,
    customer_id: str | None,
    create_time: Any,
    reference: str,
    minor_units: int,
    currency_code: str,
    last_four: str,
    terms: Mapping[str, Any],
    instrument: Mapping[str, Any] | None,
    *record: str | None,
) -> SearchedPayment:
    people = _opened(sealer, terms, ("guest", "billing_address", "shipping_address"), "terms", payment_id)
    payer = _opened(sealer, instrument or _NOTHING, ("cardholder_name", "account"), "instrument", payment_id)
    guest, billing, shipping = (people.get(name, _NOTHING) for name in ("guest", "billing_address", "shipping_address"))
    external_id, given_name, family_name, email = _opened_record(sealer, customer_id, record)
    return SearchedPayment(
        payment_id=PaymentId(payment_id),
        caller_id=CallerId(caller_id),
        customer_id=CustomerId(customer_id) if customer_id is not None else None,
        create_time=create_time,
        reference=reference,
        amount=Money(minor_units, currency_code),
        last_four=last_four,
        operations=its_operations,
        metadata=terms.get("metadata", _NOTHING),
        names=[
            *(" ".join(person.get(part, "") for part in _NAMES) for person in (guest, billing) if person),
            " ".join(shipping.get(part, "") for part in _NAMES[:2]),
            payer.get("cardholder_name", ""),
            f"{given_name} {family_name}",
        ],
        emails=[guest.get("email", ""), email_of_account(payer.get("account", "")), email],
        external_id=external_id,
    )


_NOTHING: Final[Mapping[str, Any]] = {}
_NAMES: Final = ("given_name", "family_name", "company")


def _opened(
    sealer: Sealer, kept: Mapping[str, Any], names: Iterable[str], column: str, payment_id: str
) -> Mapping[str, Any]:
    """Those of the entries that are there, opened."""
    wanted = {name: kept[name] for name in names if name in kept}
    return sealer.open_entries(wanted, associated_data("payments", column, payment_id)) if wanted else _NOTHING


def _opened_record(sealer: Sealer, customer_id: str | None, record: Iterable[str | None]) -> list[str]:
    columns = ("external_id", "given_name", "family_name", "email")
    return [
        sealer.open(text, associated_data("customers", column, customer_id)) if text else ""
        for column, text in zip(columns, record, strict=True)
    ]
