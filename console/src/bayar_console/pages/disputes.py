"""The work list of disputes, and the page of one with its evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from django.http import Http404, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bayar import Dispute, DisputeState
from bayar_console.pages.acting import Unfit, act, new_request_id
from bayar_console.signin.person import SignedInRequest

_MOST: Final = 200
_LARGEST_FILE: Final = 4 * 1024 * 1024


@require_safe
def list_disputes(request: SignedInRequest) -> HttpResponseBase:
    """Open disputes by their deadline; others, newest first."""
    chosen = request.GET.get("state", "OPEN")
    state = DisputeState.__members__.get(chosen, DisputeState.OPEN)
    found = list(islice(request.bayar.list_disputes(states=[state], page_size=_MOST), _MOST))
    if state is DisputeState.OPEN:
        far = datetime.max.replace(tzinfo=UTC)
        found.sort(key=lambda dispute: dispute.reply_by_time or far)
    shown = {
        "disputes": found,
        "state": state,
        "states": [one for one in DisputeState if one],
        "now": datetime.now(UTC),
    }
    return render(request, "console/disputes.html", shown)


@require_safe
def show_dispute(request: SignedInRequest, dispute_id: str) -> HttpResponseBase:
    """A dispute, its payment and its evidence."""
    dispute = request.bayar.get_dispute(dispute_id=dispute_id)
    payment = request.bayar.get_payment(payment_id=dispute.payment_id) if request.person.may("read") else None
    shown = {
        "dispute": dispute,
        "payment": payment,
        "can_answer": dispute.state is DisputeState.OPEN and request.person.may("disputes"),
        "unsent": [one for one in dispute.evidence if one.send_time is None],
        "request_id": request.session.pop(f"repeat /disputes/{dispute_id}", "") or new_request_id(),
    }
    return render(request, "console/dispute.html", shown)


@require_POST
def act_on_dispute(request: SignedInRequest, dispute_id: str, name: str) -> HttpResponseBase:
    """Adds evidence, sends it, or accepts the claim."""
    dispute = request.bayar.get_dispute(dispute_id=dispute_id)
    done = {"text": _add_text, "file": _add_file, "submit": _submit, "accept": _accept}.get(name)
    if done is None:
        raise Http404
    back = f"/disputes/{dispute_id}"
    return act(request, "disputes", back, lambda keywords: done(request, dispute, keywords), dispute.caller_id)


def _add_text(request: SignedInRequest, dispute: Dispute, keywords: dict[str, Any]) -> str:
    text = request.POST.get("text", "").strip()
    if not text:
        raise Unfit(_("Write the text that the bank is to read."))
    request.bayar.add_dispute_evidence(dispute_id=dispute.dispute_id, text=text, **keywords)
    return _("The text is added. The bank gets it when you send the evidence.")


def _add_file(request: SignedInRequest, dispute: Dispute, keywords: dict[str, Any]) -> str:
    file = request.FILES.get("file")
    if file is None:
        raise Unfit(_("Choose a file: PDF, JPEG or PNG."))
    if (file.size or 0) > _LARGEST_FILE:
        raise Unfit(_("The file is larger than 4 MB."))
    request.bayar.add_dispute_evidence(
        dispute_id=dispute.dispute_id, file_name=file.name or "", file_content=file.read(), **keywords
    )
    return _("The file is added. The bank gets it when you send the evidence.")


def _submit(request: SignedInRequest, dispute: Dispute, keywords: dict[str, Any]) -> str:
    request.bayar.finalize_dispute(dispute_id=dispute.dispute_id, **keywords)
    return _("The evidence is sent to the bank.")


def _accept(request: SignedInRequest, dispute: Dispute, keywords: dict[str, Any]) -> str:
    request.bayar.accept_dispute(dispute_id=dispute.dispute_id, **keywords)
    return _("The claim is accepted. The customer keeps the money.")
