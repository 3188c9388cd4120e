"""The pages of sign-in and sign-out."""

from __future__ import annotations

from typing import Any

import grpc
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bayar import BayarError
from bayar.models import CredentialDescription
from bayar_console.signin import oidc
from bayar_console.signin.person import connections, keep, kept, person_of


def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Shows the ways in; takes an API key where the settings allow it."""
    configuration = settings.CONSOLE
    problem = ""
    if request.method == "POST":
        if not configuration.takes_keys:
            return _page(request, _("Keys are not accepted here. Sign in with your account."), status=403)
        problem = _sign_in_by_key(request)
        if not problem:
            return HttpResponseRedirect(_wanted(request))
    elif kept(request):
        return HttpResponseRedirect(_wanted(request))
    return _page(request, problem, status=403 if problem else 200)


@require_safe
def begin_oidc(request: HttpRequest) -> HttpResponseBase:
    """Sends the person to the issuer."""
    request.session["next"] = _wanted(request)
    try:
        return oidc.to_issuer(request)
    except oidc.IssuerUnavailable as error:
        return _page(request, str(error), status=502)


@require_safe
def finish_oidc(request: HttpRequest) -> HttpResponseBase:
    """Takes the person back from the issuer."""
    wanted = request.session.get("next", "/")
    try:
        account = oidc.from_issuer(request)
        credential = oidc.credential_of(account)
        person = person_of(_described(credential), credential, account.name)
    except oidc.SignInRefused as error:
        return _page(request, str(error), status=403)
    except oidc.IssuerUnavailable as error:
        return _page(request, str(error), status=502)
    except BayarError as error:
        return _page(request, _refusal(error), status=403)
    keep(request, person)
    return HttpResponseRedirect(wanted)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """Ends the session here. The issuer's own goes on."""
    request.session.flush()
    return HttpResponseRedirect("/sign-in")


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Says that the console answers, for balancers."""
    return HttpResponse("ok\n", content_type="text/plain")


def _sign_in_by_key(request: HttpRequest) -> str:
    """Empty, or the reason why not."""
    key = request.POST.get("key", "").strip()
    try:
        person = person_of(_described(key), key)
    except ValueError:
        return _("This is not an API key: it is one word that begins with bayar_key_.")
    except BayarError as error:
        return _refusal(error)
    keep(request, person)
    return ""


def _described(credential: str) -> CredentialDescription:
    return connections().client(credential).get_credential()


def _refusal(error: BayarError) -> str:
    if error.code is grpc.StatusCode.UNAUTHENTICATED:
        return _("Bayar does not know this credential, or it has ended. Ask an administrator for a new one.")
    return _("Bayar did not answer. Try again in a minute.") + f" ({error.message})"


def _wanted(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/") else "/"


def _page(request: HttpRequest, problem: str, *, status: int) -> HttpResponse:
    configuration = settings.CONSOLE
    shown: dict[str, Any] = {
        "problem": problem,
        "takes_keys": configuration.takes_keys,
        "has_issuer": bool(configuration.oidc_issuer),
        "next": _wanted(request),
    }
    return render(request, "console/sign_in.html", shown, status=status)
