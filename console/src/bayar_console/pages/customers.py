"""Customers and their stored payment methods."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bayar_console.pages.acting import act, new_request_id
from bayar_console.signin.person import SignedInRequest

_MOST = 50


@require_safe
def list_customers(request: SignedInRequest) -> HttpResponseBase:
    """The newest customers, or the one with an external id."""
    external_id = request.GET.get("external_id", "").strip()
    filters = {"external_id": external_id} if external_id else {}
    found = list(islice(request.bayar.list_customers(page_size=_MOST, **filters), _MOST))
    return render(request, "console/customers.html", {"customers": found, "external_id": external_id})


@require_safe
def show_customer(request: SignedInRequest, customer_id: str) -> HttpResponseBase:
    """A customer with their methods and newest payments."""
    shown = {
        "customer": request.bayar.get_customer(customer_id=customer_id),
        "methods": list(request.bayar.list_payment_methods(customer_id=customer_id)),
        "payments": [],
        "request_id": new_request_id(),
    }
    if request.person.may("read"):
        shown["payments"] = list(islice(request.bayar.list_payments(customer_id=customer_id, page_size=20), 20))
    return render(request, "console/customer.html", shown)


@require_POST
def make_default(request: SignedInRequest, customer_id: str, payment_method_id: str) -> HttpResponseBase:
    """Makes a stored method the one that the next payments use."""
    customer = request.bayar.get_customer(customer_id=customer_id)

    def do(keywords: dict[str, Any]) -> str:
        request.bayar.set_default_payment_method(payment_method_id=payment_method_id, **keywords)
        return _("The payment method is the default now.")

    return act(request, "methods", f"/customers/{customer_id}", do, customer.caller_id)


@require_POST
def erase_customer(request: SignedInRequest, customer_id: str) -> HttpResponseBase:
    """Removes every stored method and erases personal data."""
    customer = request.bayar.get_customer(customer_id=customer_id)

    def do(keywords: dict[str, Any]) -> str:
        request.bayar.delete_customer(customer_id=customer_id, **keywords)
        return _("The customer is erased. Payments stay.")

    return act(request, "customers", f"/customers/{customer_id}", do, customer.caller_id)


@require_POST
def delete_method(request: SignedInRequest, customer_id: str, payment_method_id: str) -> HttpResponseBase:
    """Removes a stored method, here and at the gateway."""
    customer = request.bayar.get_customer(customer_id=customer_id)

    def do(keywords: dict[str, Any]) -> str:
        request.bayar.delete_payment_method(payment_method_id=payment_method_id, **keywords)
        return _("The payment method is deleted.")

    return act(request, "methods", f"/customers/{customer_id}", do, customer.caller_id)
