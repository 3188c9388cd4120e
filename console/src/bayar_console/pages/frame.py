"""The frame of each page: the name, the person, the menu."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from bayar_console.signin.person import Person


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context of every template."""
    person: Person | None = getattr(request, "person", None)
    return {
        "console_name": settings.CONSOLE.name,
        "time_zone": settings.CONSOLE.time_zone,
        "person": person,
        "menu": _menu(person, request.path) if person else [],
    }


def _menu(person: Person, path: str) -> list[dict[str, Any]]:
    entries = (
        ("/", _("Overview"), "read"),
        ("/payments", _("Payments"), "read"),
        ("/customers", _("Customers"), "read_customers"),
        ("/disputes", _("Disputes"), "read_disputes"),
        ("/work", _("Unresolved"), "read_work"),
        ("/webhooks", _("Webhooks"), "read_work"),
        ("/blocks", _("Blocks"), "read_work"),
        ("/books", _("Books"), "read_books"),
        ("/reconcile", _("Reconciliation"), "reconcile"),
    )
    return [
        {"url": url, "text": text, "here": path == url or (url != "/" and path.startswith(url))}
        for url, text, right in entries
        if person.may(right)
    ]
