"""The work that waits for a person: unresolved operations, dead letters, blocks against card testing."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bayar import ManualResolution, WebhookNotificationState
from bayar_console.pages.acting import Unfit, act, new_request_id
from bayar_console.signin.person import SignedInRequest

_MOST: Final = 200


@require_safe
def list_unresolved(request: SignedInRequest) -> HttpResponseBase:
    """The operations whose outcome is not known, oldest first."""
    found = list(islice(request.bayar.list_unresolved_operations(page_size=_MOST), _MOST))
    return render(request, "console/unresolved.html", {"unresolved": found, "request_id": new_request_id()})


@require_POST
def resolve(request: SignedInRequest, operation_id: str) -> HttpResponseBase:
    """Asks the gateway again, or records an outcome by hand."""
    choice = ManualResolution.__members__.get(request.POST.get("resolution", ""))

    def do(keywords: dict[str, Any]) -> str:
        if not choice:
            raise Unfit(_("Choose one of the list."))
        keywords.setdefault("reason", request.POST.get("reason", "").strip())
        payment = request.bayar.resolve_operation(
            operation_id=operation_id,
            resolution=choice,
            gateway_transaction_id=request.POST.get("gateway_transaction_id", "").strip(),
            **keywords,
        )
        return _("The payment %(payment_id)s is %(state)s now.") % {
            "payment_id": payment.payment_id,
            "state": payment.state.name,
        }

    return act(request, "resolve", "/work", do, request.POST.get("caller_id", ""))


@require_safe
def list_webhooks(request: SignedInRequest) -> HttpResponseBase:
    """The gateway's webhooks that were given up, and the shop's endpoints with their dead letters."""
    dead = request.bayar.list_webhook_notifications(states=[WebhookNotificationState.DEAD], page_size=_MOST)
    endpoints = list(request.bayar.list_event_endpoints())
    letters = {
        endpoint.name: list(islice(request.bayar.list_event_deliveries(endpoint=endpoint.name, page_size=50), 50))
        for endpoint in endpoints
        if endpoint.dead_count
    }
    shown = {
        "notifications": list(islice(dead, _MOST)),
        "endpoints": [(endpoint, letters.get(endpoint.name, [])) for endpoint in endpoints],
        "request_id": new_request_id(),
    }
    return render(request, "console/webhooks.html", shown)


@require_POST
def retry_notification(request: SignedInRequest, notification_id: str) -> HttpResponseBase:
    """Processes a webhook of the gateway again."""

    def do(keywords: dict[str, Any]) -> str:
        request.bayar.retry_webhook_notification(notification_id=notification_id, **keywords)
        return _("The notification is processed again.")

    return act(request, "redeliver", "/webhooks", do)


@require_POST
def resend_events(request: SignedInRequest, endpoint: str) -> HttpResponseBase:
    """Sends dead letters to an endpoint once more."""

    def do(keywords: dict[str, Any]) -> str:
        event_ids = request.POST.getlist("event_id")[:100]
        if not event_ids:
            raise Unfit(_("Choose at least one event."))
        count = request.bayar.resend_events(endpoint=endpoint, event_ids=event_ids, **keywords)
        return _("%(count)s of the chosen events will be sent again.") % {"count": count}

    return act(request, "redeliver", "/webhooks", do, request.POST.get("caller_id", ""))


@require_safe
def list_blocks(request: SignedInRequest) -> HttpResponseBase:
    """The blocks of the limits against card testing."""
    found = list(islice(request.bayar.list_abuse_blocks(page_size=_MOST), _MOST))
    return render(request, "console/blocks.html", {"blocks": found, "request_id": new_request_id()})


@require_POST
def lift_block(request: SignedInRequest, block_id: str) -> HttpResponseBase:
    """Lifts a block."""

    def do(keywords: dict[str, Any]) -> str:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            raise Unfit(_("Say why: the reason is kept in the log."))
        request.bayar.lift_abuse_block(block_id=block_id, **{**keywords, "reason": reason})
        return _("The block is lifted.")

    return act(request, "lift_blocks", "/blocks", do, request.POST.get("caller_id", ""))
