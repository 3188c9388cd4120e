"""An act from a form: with its request id, on behalf of a caller, for a reason, and its end in a message."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from bayar import BayarError
from bayar_console.pages.errors import Refusal, refusal
from bayar_console.signin.person import SignedInRequest
from bayar_console.words import right_word


class Unfit(Exception):
    """A field of the form that the person has to correct. str() is the sentence for the person."""


def new_request_id() -> str:
    """The request id of a form, made with its page: pressing the button twice does it once."""
    return str(uuid.uuid4())


def act(
    request: SignedInRequest, right: str, back: str, do: Callable[[dict[str, Any]], str], caller_id: str = ""
) -> HttpResponseBase:
    """Does what a form asks for, and shows `back` with what came of it.

    do: gets the keywords of the client's method that every act needs, none for the right "read", and returns the
    sentence about its success.
    caller_id: the caller whose data is changed; needed of operators.
    """
    if not request.person.may(right):
        return without_right(request, right)
    try:
        # To read is no act: it needs no reason, and nobody is acted for.
        messages.success(request, do({} if right == "read" else _keywords(request, caller_id)))
    except Unfit as error:
        messages.error(request, str(error))
    except BayarError as error:
        shown = refusal(error)
        details = "".join(f" {detail}" for detail in shown.details)
        level = messages.WARNING if shown.outcome_unknown else messages.ERROR
        messages.add_message(request, level, f"{shown.heading}. {shown.sentence}{details} {shown.remedy}")
        if shown.outcome_unknown:
            # The page that follows repeats the same request, not a new one.
            request.session[f"repeat {back}"] = request.POST.get("request_id", "")
    return HttpResponseRedirect(back)


def without_right(request: SignedInRequest, right: str) -> HttpResponseBase:
    """The page that says which right the person lacks."""
    shown = Refusal(
        _("You do not have this right"),
        _("Your rights do not include this: %(right)s.") % {"right": right_word(right)},
        _("Ask an administrator for the right, or somebody who has it."),
    )
    return render(request, "console/error.html", {"refusal": shown}, status=403)


def _keywords(request: SignedInRequest, caller_id: str) -> dict[str, Any]:
    given = request.POST.get("request_id", "")
    try:
        request_id = str(uuid.UUID(given))
    except ValueError as error:
        raise Unfit(_("This form is too old. Open the page again, and repeat.")) from error
    keywords: dict[str, Any] = {"request_id": request_id}
    if request.person.is_operator:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            raise Unfit(_("Say why: the reason is kept in the payment's history."))
        keywords["reason"] = reason
        if caller_id:
            keywords["on_behalf_of"] = caller_id
    return keywords
