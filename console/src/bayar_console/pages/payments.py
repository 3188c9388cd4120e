"""Search, lists and the page of a payment, with the acts that it allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bayar import DisputeState, Money, OperationKind, OperationState, Payment, PaymentFunds, PaymentState, money
from bayar_console import story
from bayar_console.pages.acting import Unfit, act, new_request_id
from bayar_console.signin.person import SignedInRequest

_PAGE_SIZE: Final = 50


@require_safe
def list_payments(request: SignedInRequest) -> HttpResponseBase:
    """The newest payments, or those that a search finds."""
    fields = {name: request.GET.get(name, "").strip() for name in ("q", "state", "funds", "dispute", "from", "until")}
    problem, hits = "", []
    try:
        hits = list(islice(_found(request, fields), _PAGE_SIZE + 1))
    except Unfit as error:
        problem = str(error)
    shown = {
        "fields": fields,
        "payments": hits[:_PAGE_SIZE],
        "has_more": len(hits) > _PAGE_SIZE,
        "problem": problem,
        "states": [state for state in PaymentState if state],
        "funds": [funds for funds in PaymentFunds if funds],
        "disputes": [state for state in DisputeState if state],
    }
    return render(request, "console/payments.html", shown)


def _found(request: SignedInRequest, fields: dict[str, str]) -> Iterable[dict[str, Any]]:
    language = get_language() or "en"
    filters: dict[str, Any] = {"language_code": language, "page_size": _PAGE_SIZE + 1}
    if fields["state"]:
        filters["states"] = [_member(PaymentState, fields["state"])]
    if fields["funds"]:
        filters["funds"] = [_member(PaymentFunds, fields["funds"])]
    if fields["dispute"]:
        filters |= _by_dispute(fields["dispute"])
    if fields["from"]:
        filters["created_from_time"] = _midnight(fields["from"])
    if fields["until"]:
        filters["created_until_time"] = _midnight(fields["until"], days=1)
    if fields["q"]:
        for hit in request.bayar.search_payments(query=fields["q"], **filters):
            yield {"payment": hit.payment, "matches": hit.matches}
        return
    for payment in request.bayar.list_payments(**filters):
        yield {"payment": payment, "matches": ()}


def _by_dispute(wanted: str) -> dict[str, Any]:
    if wanted in ("some", "none"):
        return {"is_disputed": wanted == "some"}
    return {"dispute_states": [_member(DisputeState, wanted)]}


def _member(kind: type[Any], name: str) -> Any:
    try:
        return kind[name]
    except KeyError as error:
        raise Unfit(_("Choose one of the list.")) from error


def _midnight(text: str, days: int = 0) -> datetime:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise Unfit(_("Write a day as 2026-11-29."))
    zone = ZoneInfo(settings.CONSOLE.time_zone)
    return datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC)


@require_safe
def show_payment(request: SignedInRequest, payment_id: str) -> HttpResponseBase:
    """The page of a payment; only its changing part for what asks for it by itself."""
    template = "console/payment_now.html" if request.headers.get("HX-Request") else "console/payment.html"
    return render(request, template, _shown(request, payment_id))


def _shown(request: SignedInRequest, payment_id: str) -> dict[str, Any]:
    language = get_language() or "en"
    payment = request.bayar.get_payment(payment_id=payment_id, language_code=language)
    customer = None
    if payment.customer_id and request.person.may("read_customers"):
        customer = request.bayar.get_customer(customer_id=payment.customer_id)
    disputes = []
    if request.person.may("read_disputes"):
        disputes = list(request.bayar.list_disputes(payment_id=payment_id))
    path = f"/payments/{payment_id}"
    return {
        "payment": payment,
        "headline": story.headline(payment),
        "events": list(request.bayar.list_payment_events(payment_id=payment_id)),
        "acts": story.acts(payment, request.person),
        "no_acts_because": story.no_acts_because(payment),
        "customer": customer,
        "disputes": disputes,
        "refunds": [one for one in payment.operations if one.kind is OperationKind.REFUND],
        # The texts for the customer in every language, the customer's own first.
        "customer_texts": _texts(payment, customer.language_code if customer else ""),
        "request_id": request.session.pop(f"repeat {path}", "") or new_request_id(),
    }


def _texts(payment: Payment, language: str) -> list[Any]:
    if not payment.decline:
        return []
    texts = [text for text in (*payment.decline.customer_messages, payment.decline.customer_message) if text]
    by_locale = {text.locale: text for text in texts}
    return sorted(by_locale.values(), key=lambda text: (text.locale != language, text.locale))


@require_POST
def act_on_payment(request: SignedInRequest, payment_id: str, name: str) -> HttpResponseBase:
    """Refunds, captures, adjusts, voids or verifies, as the form says."""
    done = _ACTS.get(name)
    if done is None:
        raise Http404
    payment = request.bayar.get_payment(payment_id=payment_id)
    back = f"/payments/{payment_id}"
    right = "read" if name == "verify" else name
    return act(request, right, back, lambda keywords: done(request, payment, keywords), payment.caller_id)


def _refund(request: SignedInRequest, payment: Payment, keywords: dict[str, Any]) -> str:
    amount = _amount(request, payment.refundable_amount)
    # An operator's reason is in the history by itself.
    note = "" if request.person.is_operator else request.POST.get("reason", "").strip()[:255]
    after = request.bayar.refund_payment(payment_id=payment.payment_id, amount=amount, note=note, **keywords)
    if after.operations[-1].state is OperationState.SCHEDULED:
        return _("%(amount)s will be given back, as soon as the payment has settled.") % {"amount": amount}
    if after.operations[-1].state is OperationState.STARTED:
        return _("The refund of %(amount)s is under way. This page shows its end.") % {"amount": amount}
    return _("%(amount)s is given back.") % {"amount": amount}


def _capture(request: SignedInRequest, payment: Payment, keywords: dict[str, Any]) -> str:
    amount = _amount(request, payment.capturable_amount)
    final = request.POST.get("option") == "on"
    request.bayar.capture_payment(payment_id=payment.payment_id, amount=amount, final=final, **keywords)
    if final and amount != payment.capturable_amount:
        return _("%(amount)s is captured, and the rest is released.") % {"amount": amount}
    return _("%(amount)s is captured.") % {"amount": amount}


def _adjust(request: SignedInRequest, payment: Payment, keywords: dict[str, Any]) -> str:
    amount = _whole_amount(request, payment.authorized_amount)
    after = request.bayar.adjust_authorization(payment_id=payment.payment_id, amount=amount, **keywords)
    match after.operations[-1].state:
        case OperationState.SUCCEEDED:
            return _("%(amount)s is held now.") % {"amount": after.authorized_amount}
        case OperationState.STARTED:
            return _("The change to %(amount)s is under way. This page shows its end.") % {"amount": amount}
    raise Unfit(_("The bank did not agree. As before, %(amount)s is held.") % {"amount": after.authorized_amount})


def _void(request: SignedInRequest, payment: Payment, keywords: dict[str, Any]) -> str:
    request.bayar.void_payment(payment_id=payment.payment_id, **keywords)
    return _("The payment is voided.")


def _verify(request: SignedInRequest, payment: Payment, _keywords: dict[str, Any]) -> str:
    found = request.bayar.verify_payment(payment_id=payment.payment_id)
    if found.differences:
        return _("The gateway knew more, and the payment is corrected.")
    return _("The gateway says the same.")


_ACTS: Final[dict[str, Callable[[SignedInRequest, Payment, dict[str, Any]], str]]] = {
    "refund": _refund,
    "capture": _capture,
    "adjust": _adjust,
    "void": _void,
    "verify": _verify,
}


def _amount(request: SignedInRequest, most: Money) -> Money:
    """The amount of the form, checked against the most that is possible."""
    amount = _whole_amount(request, most)
    if amount.minor_units > most.minor_units:
        raise Unfit(_("At most %(most)s is possible, and more than nothing.") % {"most": most})
    return amount


def _whole_amount(request: SignedInRequest, like: Money) -> Money:
    """The amount of the form, in the currency of another.

    A separator of thousands is refused: 150.000 is 150 to some people, and 150000 to others.
    """
    text = request.POST.get("amount", "").strip().replace(",", ".")
    digits = -int(like.decimal.as_tuple().exponent)
    fraction = text.rpartition(".")[2] if "." in text else ""
    try:
        if len(fraction) > digits:
            raise ValueError
        amount = money(text, like.currency_code)
    except ValueError as error:
        example = {"example": like.decimal}
        raise Unfit(_("Write the amount without separators of thousands, such as %(example)s.") % example) from error
    if amount.minor_units <= 0:
        raise Unfit(_("At most %(most)s is possible, and more than nothing.") % {"most": like})
    return amount
