"""Braintree's settlement batch summary, and the days of its batches."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from braintree.successful_result import SuccessfulResult

from adapters.braintree import translate
from application.ports.gateway import GatewayUnavailable, Transaction, TransactionKind
from application.ports.settlement_reports import BatchTotal
from domain.money import Money
from domain.transaction import TransactionStatus

# More than any distance between a time zone and UTC.
_MARGIN: Final = timedelta(days=1)


def totals(sdk: Any, day: date) -> list[BatchTotal]:
    """The summary of a day by merchant account and kind. Raises GatewayUnavailable."""
    result = sdk.settlement_batch_summary.generate(day.isoformat())
    if not isinstance(result, SuccessfulResult):
        raise GatewayUnavailable(f"the gateway gives no settlement batch summary: {translate.refusal_text(result)}")
    currencies: dict[str, str] = {}
    found = []
    for record in result.settlement_batch_summary.records:
        account_id = record["merchant_account_id"]
        if account_id not in currencies:
            # The summary names no currency, and others may use accounts that are not configured here.
            currencies[account_id] = str(sdk.merchant_account.find(account_id).currency_iso_code)
        found.append(
            BatchTotal(
                merchant_account_id=account_id,
                kind=TransactionKind(record["kind"]),
                count=int(record["count"]),
                amount=Money.from_decimal(record["amount_settled"], currencies[account_id]),
            )
        )
    return found


def times_around(day: date) -> tuple[datetime, datetime]:
    """A window of times that holds the day in every time zone."""
    midnight = datetime.combine(day, time.min, UTC)
    return midnight - _MARGIN, midnight + 2 * _MARGIN


def is_in_batch_of(one: Transaction, day: date) -> bool:
    standing = one.standing
    if standing.status is not TransactionStatus.SETTLED:
        return False
    if standing.settlement_batch_id:
        return standing.settlement_batch_id.startswith(f"{day}_")
    return standing.settle_time is not None and standing.settle_time.date() == day


def payout_midnight(one: Transaction) -> datetime | None:
    """The time by which the search finds its payout."""
    day = one.standing.disburse_date
    return datetime.combine(day, time.min, UTC) if day is not None else None
