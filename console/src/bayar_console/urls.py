"""The addresses of the console."""

from __future__ import annotations

from django.urls import include, path

from bayar_console import live
from bayar_console.pages import books, customers, disputes, overview, payments, reconciliation, work
from bayar_console.signin import views as signin

urlpatterns = [
    path("", overview.show_overview, name="overview"),
    path("sign-in", signin.sign_in, name="sign_in"),
    path("sign-in/begin", signin.begin_oidc, name="begin_oidc"),
    path("sign-in/return", signin.finish_oidc, name="finish_oidc"),
    path("sign-out", signin.sign_out, name="sign_out"),
    path("healthz", signin.healthz, name="healthz"),
    path("language/", include("django.conf.urls.i18n")),
    path("payments", payments.list_payments, name="payments"),
    path("payments/<str:payment_id>", payments.show_payment, name="payment"),
    path("payments/<str:payment_id>/live", live.watch_payment, name="watch_payment"),
    path("payments/<str:payment_id>/<str:name>", payments.act_on_payment, name="act_on_payment"),
    path("customers", customers.list_customers, name="customers"),
    path("customers/<str:customer_id>", customers.show_customer, name="customer"),
    path(
        "customers/<str:customer_id>/methods/<str:payment_method_id>/delete",
        customers.delete_method,
        name="delete_method",
    ),
    path(
        "customers/<str:customer_id>/methods/<str:payment_method_id>/default",
        customers.make_default,
        name="make_default",
    ),
    path("customers/<str:customer_id>/erase", customers.erase_customer, name="erase_customer"),
    path("disputes", disputes.list_disputes, name="disputes"),
    path("disputes/<str:dispute_id>", disputes.show_dispute, name="dispute"),
    path("disputes/<str:dispute_id>/<str:name>", disputes.act_on_dispute, name="act_on_dispute"),
    path("books", books.show_books, name="books"),
    path("books/comparison", books.compare_books, name="compare_books"),
    path("work", work.list_unresolved, name="unresolved"),
    path("work/<str:operation_id>", work.resolve, name="resolve"),
    path("webhooks", work.list_webhooks, name="webhooks"),
    path("webhooks/notifications/<str:notification_id>", work.retry_notification, name="retry_notification"),
    path("webhooks/endpoints/<str:endpoint>", work.resend_events, name="resend_events"),
    path("blocks", work.list_blocks, name="blocks"),
    path("blocks/<str:block_id>", work.lift_block, name="lift_block"),
    path("reconcile", reconciliation.show_reconciliation, name="reconcile"),
    path("reconcile/mend", reconciliation.mend, name="mend"),
]
