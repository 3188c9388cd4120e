"""The first page: what waits for somebody, and the last two weeks in charts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bayar import DisputeState, Payment, PaymentFunds, PaymentState
from bayar_console.signin.person import SignedInRequest

_DAYS: Final = 14
# A page reads no more than the newest so many payments, and says so.
_MOST: Final = 2000
_REFUSED: Final = {PaymentState.DECLINED, PaymentState.FAILED}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart. height: of 100."""

    label: str
    count: int
    height: float
    x: float
    # The part of it that was declined, of 100.
    declined: float = 0.0
    rate: int | None = None

    @property
    def top(self) -> float:
        return 100 - self.height


@require_safe
def show_overview(request: SignedInRequest) -> HttpResponseBase:
    """Shows the work that waits, and the charts."""
    zone = ZoneInfo(settings.CONSOLE.time_zone)
    today = datetime.now(zone).date()
    payments: list[Payment] = []
    if request.person.may("read"):
        since = datetime.combine(today - timedelta(days=_DAYS - 1), datetime.min.time(), zone)
        payments = list(islice(request.bayar.list_payments(created_from_time=since, page_size=500), _MOST))
    shown = {
        "days": _by_day(payments, today, zone),
        "reasons": _by_reason(payments),
        "under_way": _sums(
            payment for payment in payments if payment.funds in (PaymentFunds.HELD, PaymentFunds.CAPTURED)
        ),
        "refunded": _sums_of(payment.refunded_amount for payment in payments),
        "approval": _rate(payments),
        "count": len(payments),
        "is_cut": len(payments) == _MOST,
        "waiting": _waiting(request),
        "most": _MOST,
    }
    return render(request, "console/overview.html", shown)


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


def _by_day(payments: list[Payment], today: date, zone: ZoneInfo) -> list[Bar]:
    of_day: dict[date, list[Payment]] = defaultdict(list)
    for payment in payments:
        of_day[payment.create_time.astimezone(zone).date()].append(payment)
    most = max((len(each) for each in of_day.values()), default=1)
    width = 100 / _DAYS
    bars = []
    for number in range(_DAYS):
        day = today - timedelta(days=_DAYS - 1 - number)
        these = of_day[day]
        declined = sum(payment.state in _REFUSED for payment in these)
        bars.append(
            Bar(
                day.strftime("%d.%m."),
                len(these),
                100 * len(these) / most,
                number * width,
                100 * declined / most,
                _rate(these),
            )
        )
    return bars


def _rate(payments: list[Payment]) -> int | None:
    """The share of payments with a known outcome that were approved, in percent."""
    known = [payment for payment in payments if payment.state is not PaymentState.PENDING]
    if not known:
        return None
    return round(100 * sum(payment.state not in _REFUSED for payment in known) / len(known))


def _by_reason(payments: list[Payment]) -> list[Bar]:
    counts = Counter(payment.decline.reason.name for payment in payments if payment.decline)
    most = max(counts.values(), default=1)
    return [
        Bar(name.replace("_", " ").capitalize(), count, 100 * count / most, 0) for name, count in counts.most_common(8)
    ]


def _sums(payments: Any) -> list[str]:
    return _sums_of(payment.amount for payment in payments)


def _sums_of(amounts: Any) -> list[str]:
    total: dict[str, Any] = {}
    for amount in amounts:
        if amount.minor_units:
            held = total.get(amount.currency_code)
            units = amount.minor_units + (held.minor_units if held else 0)
            total[amount.currency_code] = type(amount)(minor_units=units, currency_code=amount.currency_code)
    return [str(amount) for amount in total.values()]
