"""Chooses the index for a filter of payments."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Row, TextClause, exists, select, true

from adapters.persistence.sql.keyset_pagination import Bound, Condition, IndexScan, scan_page
from adapters.persistence.tables import HAS_LAST_FOUR, IS_CUSTOMERS, disputes, payments
from application.common.pagination import Position
from application.ports.payment_filter import PaymentFilter
from domain.ids import CallerId
from domain.operation_log import Funds

_c: Final = payments.c
_ORDER: Final = (_c.create_time, _c.payment_id)

# The filters without an index, which are checked in each row.
_CONDITIONS: Final[dict[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "customer_id": lambda c, customer_id: c.customer_id == customer_id,
    "reference": lambda c, reference: c.reference == reference,
    "reference_contains": lambda c, text: c.reference_folded.contains(text.casefold(), autoescape=True),
    "states": lambda c, states: c.state.in_(sorted(state.value for state in states)),
    "currency_code": lambda c, currency_code: c.currency_code == currency_code,
    "min_minor_units": lambda c, minor_units: c.minor_units >= minor_units,
    "max_minor_units": lambda c, minor_units: c.minor_units <= minor_units,
    "brand": lambda c, brand: c.brand == brand,
    "last_four": lambda c, last_four: c.last_four == last_four,
    "funds": lambda c, funds: c.funds.in_(sorted(one.value for one in funds)),
    "dispute_states": lambda c, states: _has_dispute(c, disputes.c.state.in_(sorted(state.value for state in states))),
    "is_disputed": lambda c, is_disputed: _has_dispute(c) if is_disputed else ~_has_dispute(c),
}


def _has_dispute(c: Any, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    # The offset keeps PostgreSQL from joining all disputes: each payment is looked up by the index.
    return exists(select(disputes.c.dispute_id).where(disputes.c.payment_id == c.payment_id, *which).offset(0))


_EqualityPrefix = dict[Column[Any], Any]
_Choice = tuple[str, list[_EqualityPrefix], tuple[ColumnElement[bool] | TextClause, ...]]
# Beyond this many callers, the payments are scanned by time.
_MOST_CALLERS: Final = 50


def page_of_payments(
    connection: Connection, caller_id: CallerId | None, which: PaymentFilter, after: Position | None, limit: int
) -> tuple[list[Row[Any]], Position | None]:
    """Rows, newest first, and the position after which the next page starts: None at the end."""
    led_by, equality_prefix, where = (
        _choose(caller_id, which) if caller_id is not None else _of_everybody(connection, which)
    )
    scans = [
        IndexScan(
            equality_prefix=each,
            order=_ORDER,
            low=Bound((which.created_from,), inclusive=True) if which.created_from else None,
            high=newest_bound(after, which.created_until),
            descending=True,
            where=where,
        )
        for each in equality_prefix
    ]
    found, last = scan_page(connection, scans, conditions_of(which, led_by), limit)
    return found, Position(last.create_time, last.payment_id) if last is not None else None


def _choose(caller_id: CallerId, which: PaymentFilter) -> _Choice:
    """The filter's most selective index, and one scan for each of the states."""
    whose: _EqualityPrefix = {_c.caller_id: caller_id}
    if which.reference is not None:
        return "reference", [whose | {_c.reference: which.reference}], ()
    if which.customer_id is not None:
        # Not a condition for later: the number of a customer's payments with another caller must not leak.
        return "customer_id", [{_c.customer_id: which.customer_id}], (IS_CUSTOMERS, _c.caller_id == caller_id)
    if which.last_four is not None:
        return "last_four", [whose | {_c.last_four: which.last_four}], (HAS_LAST_FOUR,)
    if which.funds - {Funds.NONE}:
        # It says more than the state.
        return "funds", [whose | {_c.funds: place} for place in sorted(one.value for one in which.funds)], ()
    if which.states:
        return "states", [whose | {_c.state: state} for state in sorted(one.value for one in which.states)], ()
    return "", [whose], ()


def _of_everybody(connection: Connection, which: PaymentFilter) -> _Choice:
    """The indexes begin with the caller: one scan for each caller, if the filter has an index of its own."""
    if which.customer_id is not None and which.reference is None:
        return "customer_id", [{_c.customer_id: which.customer_id}], (IS_CUSTOMERS,)
    if which.reference is None and which.last_four is None and not (which.states or which.funds):
        return "", [{}], ()
    callers = _callers(connection)
    if not 0 < len(callers) <= _MOST_CALLERS:
        return "", [{}], ()
    choices = [_choose(caller_id, which) for caller_id in callers]
    led_by, _, where = choices[0]
    return led_by, [equality_prefix for _, some, _ in choices for equality_prefix in some], where


def _callers(connection: Connection) -> list[CallerId]:
    """The callers that have payments, each found by one index lookup (loose index scan); at most one more than are
    useful.
    """
    found: list[CallerId] = []
    while len(found) <= _MOST_CALLERS:
        after = _c.caller_id > found[-1] if found else true()
        caller_id = connection.execute(select(_c.caller_id).where(after).order_by(_c.caller_id).limit(1)).scalar()
        if caller_id is None:
            break
        found.append(CallerId(caller_id))
    return found


def conditions_of(which: PaymentFilter, *led_by: str) -> list[Condition]:
    """The conditions of the filter on a payment's row, without its times and those that lead the index."""
    asked = [(getattr(which, name), make) for name, make in _CONDITIONS.items() if name not in led_by]
    return [_applied(make, value) for value, make in asked if value is not None and value != frozenset()]


def payment_meets(conditions: Iterable[Condition]) -> Condition:
    """The condition that the payment of a row meets these."""
    own = payments.alias("own")

    def condition(columns: Any) -> ColumnElement[bool]:
        met = [one(own.c) for one in conditions]
        return exists(select(own.c.payment_id).where(own.c.payment_id == columns.payment_id, *met))

    return condition


def _applied(make: Callable[[Any, Any], ColumnElement[bool]], value: Any) -> Condition:
    return lambda columns: make(columns, value)


def newest_bound(after: Position | None, until: datetime | None) -> Bound | None:
    """One lower bound, since a planner that is given two may scan from the farther one."""
    if after is not None and (until is None or after.time < until):
        return Bound((after.time, after.id))
    return Bound((until,)) if until is not None else None
