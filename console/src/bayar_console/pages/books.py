"""The movements of money of a month as a file for accounting."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bayar import BayarError, Movement, SettlementDifference, SettlementTotals
from bayar_console.pages.acting import without_right
from bayar_console.pages.errors import refusal
from bayar_console.signin.person import SignedInRequest

_COLUMNS: Final = (
    "movement_id",
    "move_time",
    "kind",
    "amount",
    "net_amount",
    "currency_code",
    "payment_id",
    "reference",
    "customer_id",
    "operation_id",
    "dispute_id",
    "gateway_transaction_id",
    "merchant_account_id",
    "caller_id",
)
# The gateway answers for one day after another.
_MOST_DAYS: Final = 31
# A spreadsheet would calculate with a text that begins with one of these.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@require_safe
def show_books(request: SignedInRequest) -> HttpResponseBase:
    """The form; with a month, the file."""
    if not request.person.may("read_books"):
        return without_right(request, "read_books")
    month = request.GET.get("month", "")
    if not month:
        last = datetime.now(ZoneInfo(settings.CONSOLE.time_zone))
        days = {"from": f"{last - timedelta(days=6):%Y-%m-%d}", "until": f"{last:%Y-%m-%d}"}
        return render(request, "console/books.html", {"month": last.strftime("%Y-%m"), "days": days})
    begin = _first_of(month)
    if begin is None:
        shown = {"month": month, "problem": _("Write a month as 2026-11.")}
        return render(request, "console/books.html", shown, status=400)
    following = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    movements = request.bayar.export_movements(from_time=begin.astimezone(UTC), until_time=following.astimezone(UTC))
    # The first one is read here, so that a refusal is a page and not the end of a file.
    first = next(movements, None)
    answer = StreamingHttpResponse(_file(first, movements), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="bayar-{begin:%Y-%m}.csv"'
    return answer


@require_safe
def compare_books(request: SignedInRequest) -> HttpResponseBase:
    """The sums of each day here and at the gateway, with what explains a difference."""
    if not request.person.may("read_books"):
        return without_right(request, "read_books")
    days = {name: parse_day(request.GET.get(name, "")) for name in ("from", "until")}
    first, last = days["from"], days["until"]
    shown: dict[str, Any] = {name: request.GET.get(name, "") for name in ("from", "until")}
    if first is None or last is None or last < first or (last - first).days >= _MOST_DAYS:
        problem = _("Choose the first and the last day: at most %(days)s days.") % {"days": _MOST_DAYS}
        return render(request, "console/comparison.html", {"days": shown, "problem": problem}, status=400)
    answers = list(request.bayar.compare_settlements(from_date=first, until_date=last + timedelta(days=1)))
    differences = [one for one in answers if isinstance(one, SettlementDifference)]
    context = {
        "days": shown,
        "compared": True,
        "totals": [one for one in answers if isinstance(one, SettlementTotals)],
        "differences": differences,
        "to_do": sum(one.needs_attention for one in differences),
    }
    return render(request, "console/comparison.html", context)


def parse_day(text: str) -> date | None:
    """The day of a form; None for anything else."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def _first_of(month: str) -> datetime | None:
    """The beginning of a month in the console's time zone."""
    parts = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", month, re.ASCII)
    return datetime(int(parts[1]), int(parts[2]), 1, tzinfo=ZoneInfo(settings.CONSOLE.time_zone)) if parts else None


def _file(first: Movement | None, others: Iterator[Movement]) -> Iterator[str]:
    yield _line(_COLUMNS)
    if first is None:
        return
    yield _line(_cells(first))
    try:
        for movement in others:
            yield _line(_cells(movement))
    except BayarError as error:
        # A file that ends early must not be taken for a whole one.
        yield _line([f"INCOMPLETE: {refusal(error).sentence}"])


def _cells(movement: Movement) -> list[str]:
    zone = ZoneInfo(settings.CONSOLE.time_zone)
    texts = {name: str(getattr(movement, name, "")) for name in _COLUMNS}
    texts |= {
        "move_time": movement.move_time.astimezone(zone).isoformat(timespec="seconds"),
        "kind": movement.kind.name,
        "amount": str(movement.amount.decimal),
        "net_amount": str(movement.net_amount.decimal),
        "currency_code": movement.amount.currency_code,
    }
    numbers = ("amount", "net_amount")
    return [f"'{text}" if text.startswith(_FORMULA) and name not in numbers else text for name, text in texts.items()]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
