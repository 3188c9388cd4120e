"""Pages of payments by their disputes: the index of disputes leads, since few payments have one."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from adapters.persistence.repositories.payment_indexes import conditions_of, newest_bound, payment_meets
from adapters.persistence.sql.keyset_pagination import Bound, IndexScan, scan_page
from adapters.persistence.tables import HAS_NO_PAYMENT_TIME, disputes, payments
from application.common.pagination import Position
from application.ports.payment_filter import PaymentFilter
from domain.dispute import DisputeState
from domain.ids import CallerId

_d: Final = disputes.c
_WITHOUT_TIME: Final = select(_d.dispute_id).where(HAS_NO_PAYMENT_TIME).order_by(_d.dispute_id).limit(1)


def disputes_lead(connection: Connection, which: PaymentFilter) -> bool:
    """Whether the filter asks for disputed payments, and no other index is as selective.

    Not while a dispute lacks the time of its payment, which another version added just now.
    """
    if which.reference is not None or which.customer_id is not None:
        return False
    if not which.dispute_states and not which.is_disputed:
        return False
    return connection.execute(_WITHOUT_TIME).first() is None


def page_of_disputed_payments(
    connection: Connection, caller_id: CallerId | None, which: PaymentFilter, after: Position | None, limit: int
) -> tuple[list[Row[Any]], Position | None]:
    """Rows of payments, newest first, and the position after which the next page starts: None at the end."""
    whose = {_d.caller_id: caller_id} if caller_id is not None else {}
    states = sorted(one.value for one in which.dispute_states or DisputeState)
    scans = [
        IndexScan(
            equality_prefix=whose | {_d.state: state},
            order=(_d.payment_time, _d.payment_id),
            low=Bound((which.created_from,), inclusive=True) if which.created_from else None,
            high=newest_bound(after, which.created_until),
            descending=True,
        )
        for state in states
    ]
    conditions = conditions_of(which, "dispute_states", "is_disputed")
    found, last = scan_page(connection, scans, [payment_meets(conditions)] if conditions else [], limit)
    ids = {row.payment_id for row in found}
    own = select(payments).where(payments.c.payment_id.in_(ids))
    rows = sorted(connection.execute(own) if ids else [], key=_order, reverse=True)
    return rows, Position(last.payment_time, last.payment_id) if last is not None else None


def _order(row: Row[Any]) -> tuple[datetime, str]:
    return row.create_time, row.payment_id
