"""The service's refusals as pages and messages that say what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from bayar import BayarError

_log = logging.getLogger(__name__)
_STATUS = {
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error for people: a heading, the service's own sentence, and the remedy."""

    heading: str
    sentence: str
    remedy: str
    details: list[str] = field(default_factory=list)
    outcome_unknown: bool = False


def refusal(error: BayarError) -> Refusal:
    """The error in words."""
    if error.outcome_unknown:
        return Refusal(
            _("It is not known whether this took effect"),
            error.message,
            _("Press the button again: it is the same request, and takes effect once. Or look at the payment first."),
            outcome_unknown=True,
        )
    return Refusal(
        _heading(error),
        error.localized_message or error.message,
        _remedy(error),
        [f"{violation.field}: {violation.description}" for violation in error.violations],
    )


def _heading(error: BayarError) -> str:
    match error.code:
        case grpc.StatusCode.NOT_FOUND:
            return _("There is no such thing here")
        case grpc.StatusCode.PERMISSION_DENIED:
            return _("You do not have this right")
        case grpc.StatusCode.INVALID_ARGUMENT:
            return _("Something in the form is not right")
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED:
            return _("Bayar does not answer now")
        case _:
            return _("This was refused")


def _remedy(error: BayarError) -> str:
    """For people: the service's own remedies are for programmers."""
    match error.code:
        case grpc.StatusCode.NOT_FOUND:
            return _("Look for it in the search.")
        case grpc.StatusCode.PERMISSION_DENIED:
            return _("Ask an administrator for the right, or somebody who has it.")
        case grpc.StatusCode.INVALID_ARGUMENT:
            return _("Correct it, and try again.")
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED:
            return _("Try again in a minute.")
        case _:
            return error.remedy


def _names_nothing(error: BayarError) -> bool:
    """Whether an address has something in the place of an id that is none."""
    return error.code is grpc.StatusCode.INVALID_ARGUMENT and all(one.field.endswith("_id") for one in error.violations)


class ServiceErrors:
    """Shows a page for an error of the service that no view has dealt with."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        if not isinstance(error, BayarError):
            return None
        if error.code is grpc.StatusCode.UNAUTHENTICATED:
            request.session.flush()
            return HttpResponseRedirect("/sign-in")
        _log.warning("%s %s: %s %s", request.method, request.path, error.code.name, error.reason)
        if request.method == "GET" and error.violations and _names_nothing(error):
            shown = Refusal(
                _("There is no such thing here"),
                _("The address names nothing that Bayar knows."),
                _("Look for it in the search."),
            )
            return render(request, "console/error.html", {"refusal": shown}, status=404)
        return render(request, "console/error.html", {"refusal": refusal(error)}, status=_STATUS.get(error.code, 500))


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from a page of this session."""
    _log.warning("A form without its token was refused: %s %s", request.path, reason)
    shown = Refusal(
        _("This form is too old"), _("The page was open when the session ended."), _("Open the page again, and repeat.")
    )
    return render(request, "console/error.html", {"refusal": shown}, status=403)
