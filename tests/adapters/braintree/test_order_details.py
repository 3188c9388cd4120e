"""Level 2 and level 3 data on the wire, and the cause of a refusal of it."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.braintree import params
from application.ports.gateway import Capture, RefusalCause, Rejected
from domain.address import Address
from domain.ids import OperationId
from domain.money import Money
from domain.order_details import LineItem, OrderDetails, ShippingMethod
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import adapter, authorization
from tests.adapters.braintree.server import answer, serving
from tests.fakes.runtime import HELD

TEA = LineItem(
    name="Tea",
    quantity="2.5",
    unit_amount="0.4",
    total_amount=Money(1_050, "KWD"),
    tax_amount=Money(0, "KWD"),
    unit_of_measure="kg",
)


def refusal(document: str, **changes: Any) -> Rejected:
    with serving(answer(422, document)) as server:
        outcome = adapter(server.url).authorize(authorization(**changes), HELD)
    assert isinstance(outcome, Rejected)
    return outcome


def test_a_zero_is_said_and_an_absent_amount_is_not() -> None:
    sent = params.order_details(OrderDetails(tax_amount=Money(0, "USD"), discount_amount=Money(50, "USD")))
    assert sent == {"tax_amount": "0.00", "discount_amount": "0.50"}


def test_a_line_of_three_decimals_is_sent_with_two() -> None:
    (line,) = params.order_details(OrderDetails(line_items=(TEA,)))["line_items"]
    assert line == {
        "kind": "debit",
        "name": "Tea",
        "quantity": "2.5",
        "unit_amount": "0.4",
        "unit_of_measure": "kg",
        "total_amount": "1.05",
        "tax_amount": "0.00",
    }


def test_a_shipping_method_goes_without_an_address() -> None:
    sent = params.sale(authorization(shipping_method=ShippingMethod.ELECTRONIC), "acct")
    assert sent["shipping"] == {"shipping_method": "electronic"}


@pytest.mark.parametrize("in_part", [False, True])
def test_a_capture_carries_its_own_details(in_part: bool) -> None:
    asked = Capture(
        operation_id=OperationId("op_2"),
        transaction_id="t1",
        amount=Money(1_00, "USD"),
        in_part=in_part,
        shipping_address=Address(locality="Berlin"),
        order_details=OrderDetails(tax_amount=Money(10, "USD")),
    )
    with serving(answer(200, documents.transaction())) as server:
        adapter(server.url).capture(asked, HELD)
    [request] = server.received
    sent = request.xml["transaction"]
    assert (sent["tax_amount"], sent["shipping"]) == ("0.10", {"locality": "Berlin"})


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        (documents.refused_at("shipping", "81813"), RefusalCause.SHIPPING_ADDRESS),
        (documents.refused_at("billing", "81813"), RefusalCause.BILLING_ADDRESS),
        (documents.invalid("915204"), RefusalCause.SHIPPING_ADDRESS),
        (documents.invalid("81535"), RefusalCause.ORDER_DETAILS),
        (documents.invalid("95823"), RefusalCause.ORDER_DETAILS),
        (documents.invalid("915157", "915165"), RefusalCause.ORDER_DETAILS),
    ],
)
def test_a_refusal_names_the_record_that_it_is_about(document: str, cause: RefusalCause) -> None:
    outcome = refusal(document)
    assert outcome.cause is cause
    assert "leave" in outcome.detail
