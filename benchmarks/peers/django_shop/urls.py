"""The shop's two pages: an order makes a payment, and the form of the payment pays."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import include, path
from django.views.decorators.http import require_POST
from payments import RedirectNeeded, get_payment_model


@require_POST
def order(request: HttpRequest) -> HttpResponse:
    payment = get_payment_model().objects.create(
        variant="braintree", currency="USD", total=request.POST["amount"], description=request.POST["reference"]
    )
    return redirect("payment_details", payment_id=payment.pk)


def payment_details(request: HttpRequest, payment_id: int) -> HttpResponse:
    payment = get_object_or_404(get_payment_model(), pk=payment_id)
    try:
        form = payment.get_form(data=request.POST or None)
    except RedirectNeeded as target:
        return redirect(str(target))
    return HttpResponse(form.as_p(), status=402 if request.POST else 200)


urlpatterns = [
    path("orders/", order),
    path("orders/<int:payment_id>/", payment_details, name="payment_details"),
    path("payments/", include("payments.urls")),
]
