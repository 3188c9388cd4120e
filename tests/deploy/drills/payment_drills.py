"""Payments that end badly, or not at all."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import braintree

from adapters.braintree.settings import TwinEnvironment
from bayar import BayarError
from bayar.messages import Payment
from braintree_twin.testing import Twin
from tests.deploy.drills.drill import Drill, Plan
from tests.end_to_end.payment_steps import a_card, pay

_SCHEDULED: Final = (
    'psql "$BAYAR_DATABASE_URL" -c "SELECT payment_id, create_time FROM operations '
    "WHERE state = 'scheduled' ORDER BY create_time LIMIT 10\""
)


def searches_without_an_answer(drill: Drill) -> None:
    twin, client = drill.stack.twin.control, drill.stack.service.client()
    customer = client.create_customer(given_name="Sari").customer_id
    twin.add_fault("reset_before", path="/transactions/advanced_search*")
    twin.add_fault("reset_before", path="/customers*", method="GET")
    twin.add_fault("reset_before", method="GET")
    twin.add_fault("reset_after", path="/transactions", method="POST", next=2)
    twin.add_fault("reset_after", path="/payment_methods", method="POST", next=1)
    drill.fault("two answers of the gateway are lost, then those of each search")
    with suppress(BayarError):
        client.add_payment_method(customer_id=customer, card=a_card())
    drill.fires("BayarOperationsUnresolved", "BayarPaymentMethodsPending")
    drill.shell("bayar unresolved")
    drill.shell(f"bayar methods list {customer}")
    operation = next(iter(client.list_unresolved_operations())).operation.operation_id
    drill.shell(f"bayar resolve {operation}")
    twin.clear_faults()
    drill.say("the gateway answers searches again")
    drill.shell(f"bayar resolve {operation}")
    drill.is_over("BayarOperationsUnresolved", "BayarPaymentMethodsPending")
    drill.resolved()
    drill.shell(f"bayar methods list {customer}")


def a_refund_that_waits(drill: Drill) -> None:
    client = drill.stack.service.client()
    payment = pay(client, "25.00")
    drill.fault("a payment of 25.00 does not settle, and 5.00 of it are refunded")
    drill.shell(f"bayar payments refund {payment.payment_id} --amount 5.00 --yes")
    drill.fires("BayarScheduledRefundsLate")
    drill.shell(_SCHEDULED)
    drill.shell(f"bayar payments verify {payment.payment_id}")
    drill.stack.twin.control.settle()
    drill.say("the payment settles at the gateway")
    drill.shell(f"bayar payments verify {payment.payment_id}")
    drill.is_over("BayarScheduledRefundsLate")
    drill.shell(f"bayar payments show {payment.payment_id}", lines=20)


def many_declines(drill: Drill) -> None:
    client = drill.stack.service.client()
    drill.fault("two hundred payments by many cards are declined")
    for number in range(200):
        pay(client, f"{2000 + number % 15}.00", card=a_card())
        if number > 60 and drill.is_firing("BayarDeclinesHigh"):
            break
    drill.fires("BayarDeclinesHigh")
    drill.query('topk(5, sum by (reason, brand) (increase(bayar_payment_operations_total{outcome="declined"}[30s])))')
    drill.shell("bayar blocks list")
    drill.say("the declines end")
    drill.is_over("BayarDeclinesHigh")


def a_void_in_the_control_panel(drill: Drill) -> None:
    payment = pay(drill.stack.service.client())
    began = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    _void_at_the_gateway(drill.stack.twin, payment)
    drill.fault("somebody voids a payment in the gateway's control panel, and the daily reconciliation runs")
    drill.shell(f"bayar reconcile --from {began}")
    drill.fires("BayarReconciliationDifferences")
    drill.shell(f"bayar payments verify {payment.payment_id}")
    drill.shell(f"bayar reconcile --from {began}")
    drill.is_over("BayarReconciliationDifferences")


def _void_at_the_gateway(twin: Twin, payment: Payment) -> None:
    gateway = braintree.BraintreeGateway(
        braintree.Configuration(
            TwinEnvironment(twin.url, str(twin.ca_file)), twin.merchant_id, twin.public_key, twin.private_key
        )
    )
    voided: Any = gateway.transaction.void(payment.gateway_details.transaction_id)
    assert voided.is_success


PAYMENT_DRILLS: Final = (
    Plan(("BayarOperationsUnresolved", "BayarPaymentMethodsPending"), searches_without_an_answer),
    Plan(("BayarScheduledRefundsLate",), a_refund_that_waits),
    Plan(("BayarDeclinesHigh",), many_declines),
    Plan(("BayarReconciliationDifferences",), a_void_in_the_control_panel, {"BAYAR_FOLLOW_INTERVAL_SECONDS": "300"}),
)
