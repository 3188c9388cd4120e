"""Lets nobody in who has not signed in, and nobody for longer than a session may last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from bayar_console.signin.person import connections, kept

_OPEN: Final = ("/sign-in", "/static/", "/language", "/healthz")
_SEEN: Final = "seen"


class SignedIn:
    """Gives each request its `person` and `bayar`, the client that shows the person's credential."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        person = kept(request)
        if person is not None and _is_over(request):
            request.session.flush()
            person = None
        request.person = person
        if person is None:
            return self._get_response(request) if request.path.startswith(_OPEN) else _to_sign_in(request)
        request.bayar = connections().client(person.credential)
        return self._get_response(request)


def _is_over(request: HttpRequest) -> bool:
    now = time.time()
    session = request.session
    if now - session.get(_SEEN, now) > settings.CONSOLE.idle_minutes * 60:
        return True
    if now - session.setdefault("since", now) > settings.CONSOLE.session_minutes * 60:
        return True
    if not _is_by_itself(request):
        session[_SEEN] = now
    return False


def _is_by_itself(request: HttpRequest) -> bool:
    """Whether an open page asks, rather than a person."""
    return request.headers.get("HX-Request") == "true" or request.path.endswith("/live")


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    where = reverse("sign_in")
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=401)
        answer.headers["HX-Redirect"] = where
        return answer
    wanted = request.get_full_path() if request.method == "GET" else "/"
    return HttpResponseRedirect(f"{where}?{urlencode({'next': wanted})}" if wanted != "/" else where)
