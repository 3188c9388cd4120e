"""Comparison of the record with the gateway's, and the button that mends each difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bayar import Finding, FindingKind, FindingRemedy, ManualResolution, OrphanPolicy, ReconcileProgress
from bayar_console.pages.acting import Unfit, act, new_request_id, without_right
from bayar_console.signin.person import SignedInRequest

_HOURS = {"24": 24, "72": 72, "168": 168}


@require_safe
def show_reconciliation(request: SignedInRequest) -> HttpResponseBase:
    """The form; with hours, the findings of that window."""
    if not request.person.may("reconcile"):
        return without_right(request, "reconcile")
    hours = _HOURS.get(request.GET.get("hours", ""))
    shown: dict[str, Any] = {"hours": request.GET.get("hours", ""), "choices": list(_HOURS)}
    if hours:
        until = datetime.now(UTC)
        answers = list(request.bayar.reconcile(from_time=until - timedelta(hours=hours), until_time=until))
        shown["findings"] = [answer for answer in answers if isinstance(answer, Finding)]
        shown["progress"] = [answer for answer in answers if isinstance(answer, ReconcileProgress)][-1]
        shown["request_id"] = new_request_id()
    return render(request, "console/reconciliation.html", shown)


@require_POST
def mend(request: SignedInRequest) -> HttpResponseBase:
    """Does what a finding names as its remedy."""
    remedy = FindingRemedy.__members__.get(request.POST.get("remedy", ""))
    payment_id = request.POST.get("payment_id", "")
    hours = request.POST.get("hours", "")
    hours = hours if hours in _HOURS else "24"
    back = f"/reconcile?hours={hours}"
    if remedy is FindingRemedy.VERIFY_PAYMENT:

        def verify(_keywords: dict[str, Any]) -> str:
            request.bayar.verify_payment(payment_id=payment_id)
            return _("The payment is compared with the gateway, and corrected.")

        return act(request, "read", back, verify)

    if remedy is FindingRemedy.REVERSE:
        return act(request, "reconcile", back, lambda keywords: _reverse(request, _HOURS[hours], keywords))

    def check(keywords: dict[str, Any]) -> str:
        if remedy is not FindingRemedy.CHECK_NOW:
            raise Unfit(_("This difference has no button: the summary says what to do."))
        request.bayar.resolve_operation(
            operation_id=request.POST.get("operation_id", ""), resolution=ManualResolution.CHECK_NOW, **keywords
        )
        return _("The gateway was asked again.")

    return act(request, "resolve", back, check)


def _reverse(request: SignedInRequest, hours: int, keywords: dict[str, Any]) -> str:
    """Gives one orphan back. A second press finds none, and changes nothing."""
    transaction_id = request.POST.get("gateway_transaction_id", "")
    if not transaction_id:
        raise Unfit(_("This form is too old. Open the page again, and repeat."))
    until = datetime.now(UTC)
    answers = list(
        request.bayar.reconcile(
            from_time=until - timedelta(hours=hours),
            until_time=until,
            orphan_policy=OrphanPolicy.REVERSE,
            max_reversals=1,
            gateway_transaction_ids=[transaction_id],
            reason=keywords.get("reason", ""),
        )
    )
    for answer in answers:
        if isinstance(answer, Finding) and answer.gateway_transaction_id == transaction_id:
            if answer.kind is FindingKind.ORPHAN_REVERSED:
                return _("%(amount)s is given back.") % {"amount": answer.gateway_amount}
            raise Unfit(answer.summary)
    raise Unfit(_("Nothing was given back: the record explains this transaction by now, or it was given back before."))
