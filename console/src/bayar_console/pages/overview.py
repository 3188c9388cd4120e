"""The first page: what waits for somebody, and the last weeks in charts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bayar import BayarError, DisputeState, Reason
from bayar.models import PaymentSummaries, PaymentSummary
from bayar_console.pages import charts
from bayar_console.signin.person import SignedInRequest

# The numbers of days that the charts can show; the first unless asked.
_DAYS: Final = (14, 30, 90)
_HOUR: Final = timedelta(hours=1)


@require_safe
def show_overview(request: SignedInRequest) -> HttpResponseBase:
    """Shows the work that waits, and the charts."""
    shown: dict[str, Any] = {"waiting": _waiting(request), "may_read": request.person.may("read")}
    if request.person.may("read"):
        shown |= _charts(request)
    return render(request, "console/overview.html", shown)


def _charts(request: SignedInRequest) -> dict[str, Any]:
    zone = _zone()
    asked = request.GET.get("days", "")
    count = int(asked) if asked in map(str, _DAYS) else _DAYS[0]
    today = datetime.now(ZoneInfo(zone)).date()
    days = [today - timedelta(days=number) for number in range(count - 1, -1, -1)]
    found = _summaries(request, days, zone)
    if found is None:
        return {}
    summaries = [one for one in found.summaries if one.date in set(map(str, days))]
    currencies = charts.currencies_of(summaries)
    wanted = request.GET.get("currency", "")
    currency = wanted if wanted in currencies else next(iter(currencies), "")
    return {
        "charts": _all_charts(days, summaries, currency),
        "declines": charts.decline_bars(summaries),
        "approval": _approval(summaries),
        "count": count,
        "choices": _DAYS,
        "currency": currency,
        "currencies": currencies,
        "complete_from": found.complete_from_time,
        "uncounted": found.uncounted_event_count,
        "zone": zone,
        "is_other_zone": zone != settings.CONSOLE.time_zone,
    }


def _all_charts(days: list[date], summaries: list[PaymentSummary], currency: str) -> dict[str, charts.Chart]:
    found = {"payments": charts.payments_chart(days, summaries), "disputes": charts.disputes_chart(days, summaries)}
    if currency:
        found["refunds"] = charts.refunds_chart(days, summaries, currency)
        found["on_its_way"] = charts.on_its_way_chart(days, summaries, currency)
    return found


def _summaries(request: SignedInRequest, days: list[date], zone: str) -> PaymentSummaries | None:
    """None: a credential of one customer may not learn of the business."""
    try:
        return request.bayar.summarize_payments(
            from_date=days[0], until_date=days[-1] + timedelta(days=1), time_zone=zone
        )
    except BayarError as error:
        if error.reason == Reason.NOT_FOR_CUSTOMERS:
            return None
        raise


def _zone() -> str:
    """The console's zone, if its days begin at a whole hour of UTC; otherwise UTC, since sums are kept by the hour."""
    zone: str = settings.CONSOLE.time_zone
    offset = datetime.now(ZoneInfo(zone)).utcoffset() or timedelta()
    return "UTC" if offset % _HOUR else zone


def _approval(summaries: list[PaymentSummary]) -> str:
    approved = sum(one.approved_count for one in summaries)
    share = charts.rate(approved, sum(one.declined_count for one in summaries))
    return "" if share is None else charts.percent_text(share)


def _waiting(request: SignedInRequest) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if request.person.may("read_work"):
        found["unresolved"] = len(list(islice(request.bayar.list_unresolved_operations(), 100)))
        found["endpoints"] = [
            one for one in request.bayar.list_event_endpoints() if one.dead_count or one.failing_since_time
        ]
    if request.person.may("read_disputes"):
        soon = datetime.now(UTC) + timedelta(days=7)
        disputes = request.bayar.list_disputes(states=[DisputeState.OPEN], page_size=100)
        open_ones = list(islice(disputes, 100))
        found["disputes"] = len(open_ones)
        found["urgent"] = sum(1 for one in open_ones if one.reply_by_time and one.reply_by_time < soon)
    return found
