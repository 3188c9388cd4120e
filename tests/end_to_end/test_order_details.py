"""Level 2 and level 3 data from outside: sent to the gateway, kept, shown, and refused where it does not add up."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import braintree
import pytest

from adapters.braintree.settings import TwinEnvironment
from bayar.messages import (
    Address,
    BayarClient,
    BayarError,
    CaptureMode,
    GuestContact,
    LineItem,
    LineItemKind,
    OrderDetails,
    Payment,
    PaymentState,
    ShippingMethod,
)
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.payment_steps import a_card, an_order, pay, usd
from tests.end_to_end.service import Pair

CAPTURED = PaymentState.PAYMENT_STATE_CAPTURED
BERLIN = Address(
    given_name="Ada",
    street_address="Torstr. 1",
    locality="Berlin",
    postal_code="10119",
    country_code="DE",
    phone="+49 30 1234567",
)
CHAIRS = LineItem(
    name="Chairs",
    quantity="4",
    unit_amount="19.9975",
    total_amount=usd("79.99"),
    tax_amount=usd("14.00"),
    unit_of_measure="each",
    product_code="CH-4",
    commodity_code="56101504",
    description="Four chairs",
    upc_code="042100005264",
    upc_type="UPC-A",
    url="https://shop.example/chairs",
)
RETURNED = LineItem(
    name="Returned cushion",
    kind=LineItemKind.LINE_ITEM_KIND_CREDIT,
    quantity="1",
    unit_amount="5",
    tax_amount=usd("0.00"),
    discount_amount=usd("0.00"),
)


@pytest.fixture
def panel(pair: Pair) -> Any:
    """The gateway's side, through its SDK."""
    twin = pair.twin
    return braintree.BraintreeGateway(
        braintree.Configuration(
            TwinEnvironment(twin.url, str(twin.ca_file)), twin.merchant_id, twin.public_key, twin.private_key
        )
    )


def order(**changes: Any) -> OrderDetails:
    """An order of 100.00: 79.99 - 5.00 + 15.00 tax + 12.01 shipping - 2.00 discount."""
    given: dict[str, Any] = {
        "tax_amount": usd("15.00"),
        "purchase_order_number": "PO-7",
        "shipping_amount": usd("12.01"),
        "shipping_tax_amount": usd("1.00"),
        "discount_amount": usd("2.00"),
        "ships_from_postal_code": "80331",
        "line_items": [CHAIRS, RETURNED],
    }
    return OrderDetails(**given | changes)


def buy(bayar: BayarClient, details: OrderDetails, **more: Any) -> Payment:
    return pay(bayar, "100.00", order_details=details, shipping_address=BERLIN, **more)


def test_the_gateway_gets_the_whole_order_and_the_payment_shows_it(bayar: BayarClient, panel: Any) -> None:
    payment = buy(bayar, order(), shipping_method=ShippingMethod.SHIPPING_METHOD_GROUND)
    assert payment.state == CAPTURED
    assert not payment.warnings
    shown = bayar.get_payment(payment_id=payment.payment_id)
    assert shown.order_details.line_items[1].total_amount == usd("5.00")
    assert (shown.shipping_address, shown.shipping_method) == (BERLIN, ShippingMethod.SHIPPING_METHOD_GROUND)

    sold = panel.transaction.find(payment.gateway_details.transaction_id)
    assert (sold.tax_amount, sold.tax_exempt, sold.purchase_order_number) == (Decimal("15.00"), False, "PO-7")
    assert (sold.shipping_amount, sold.shipping_tax_amount) == (Decimal("12.01"), Decimal("1.00"))
    assert (sold.discount_amount, sold.ships_from_postal_code) == (Decimal("2.00"), "80331")
    shipping = sold.shipping_details
    assert (shipping.first_name, shipping.locality, shipping.country_code_alpha2) == ("Ada", "Berlin", "DE")
    assert shipping.phone_number == "+49 30 1234567"
    chairs, returned = panel.transaction_line_item.find_all(payment.gateway_details.transaction_id)
    assert (chairs.kind, chairs.quantity, chairs.unit_amount) == ("debit", "4", "19.9975")
    assert (chairs.total_amount, chairs.tax_amount) == ("79.99", "14.00")
    assert (chairs.product_code, chairs.commodity_code, chairs.unit_of_measure) == ("CH-4", "56101504", "each")
    assert (chairs.upc_code, chairs.upc_type, chairs.url) == ("042100005264", "UPC-A", "https://shop.example/chairs")
    assert (returned.kind, returned.total_amount, returned.tax_amount) == ("credit", "5.00", "0.00")


def test_lists_and_events_leave_the_lines_out_and_keep_the_rest(bayar: BayarClient) -> None:
    reference = an_order()
    payment = buy(bayar, order(), reference=reference)
    (listed,) = bayar.list_payments(reference=reference)
    changes = (event.payment_change.payment for event in bayar.stream_events())
    followed = next(one for one in changes if one.payment_id == payment.payment_id)
    for one in (listed, followed):
        assert one.order_details.purchase_order_number == "PO-7"
        assert not one.order_details.line_items


def test_a_sum_that_does_not_agree_is_refused_and_nothing_is_recorded(bayar: BayarClient) -> None:
    reference = an_order()
    with pytest.raises(BayarError) as refused:
        buy(bayar, order(tax_amount=usd("15.01")), reference=reference)
    assert refused.value.reason == "INVALID_REQUEST"
    fields = {violation.field: violation.description for violation in refused.value.violations}
    assert "tax_amount 15.01" in fields["order_details"]
    assert "the amount 100.00" in fields["order_details"]
    assert "order_details.tax_amount" in fields
    assert not list(bayar.list_payments(reference=reference))


def test_249_lines_are_taken_and_250_refused(bayar: BayarClient, panel: Any) -> None:
    lines = [
        LineItem(name=f"Line {place}", description="x" * 127, quantity="1", unit_amount="1") for place in range(250)
    ]
    payment = pay(bayar, "249.00", order_details=OrderDetails(line_items=lines[:249]))
    assert len(panel.transaction_line_item.find_all(payment.gateway_details.transaction_id)) == 249
    with pytest.raises(BayarError, match="at most 249"):
        pay(bayar, "250.00", order_details=OrderDetails(line_items=lines))


def test_a_line_of_the_longest_texts_has_room_249_times(bayar: BayarClient) -> None:
    """The largest valid request: four bytes for each character."""
    wide = "\N{MAHJONG TILE EAST WIND}"
    line = LineItem(
        name=wide * 35,
        description=wide * 127,
        unit_of_measure=wide * 12,
        product_code=wide * 12,
        commodity_code=wide * 12,
        quantity="1",
        unit_amount="1",
        url=f"https://shop.example/{'x' * 200}",
        image_url=f"https://shop.example/{'x' * 1000}",
    )
    payment = pay(bayar, "249.00", order_details=OrderDetails(line_items=[line] * 249))
    assert len(payment.order_details.line_items) == 249


def test_a_capture_of_a_shipment_has_its_own_lines(bayar: BayarClient, panel: Any) -> None:
    held = buy(bayar, order(), capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    lamp = LineItem(name="Lamp", quantity="1", unit_amount="25", tax_amount=usd("5.00"))
    shipment = OrderDetails(tax_amount=usd("5.00"), purchase_order_number="PO-7-1", line_items=[lamp])
    with pytest.raises(BayarError, match="the amount 31"):
        bayar.capture_payment(payment_id=held.payment_id, amount=usd("31.00"), order_details=shipment)
    payment = bayar.capture_payment(
        payment_id=held.payment_id, amount=usd("30.00"), order_details=shipment, shipping_address=BERLIN
    )
    part = payment.operations[-1]
    assert part.order_details.line_items[0].total_amount == usd("25.00")
    sold = panel.transaction.find(part.gateway_transaction_id)
    assert (sold.amount, sold.tax_amount, sold.purchase_order_number) == (Decimal("30.00"), Decimal("5.00"), "PO-7-1")
    assert [one.name for one in panel.transaction_line_item.find_all(sold.id)] == ["Lamp"]
    # Without an amount, the sums have to agree with the rest.
    with pytest.raises(BayarError, match="the amount 70"):
        bayar.capture_payment(payment_id=held.payment_id, order_details=shipment)


def test_the_command_line_shows_the_order(bayar: BayarClient, pair: Pair) -> None:
    payment = buy(bayar, order())
    cli = CommandLine(pair.service.address)
    shown = cli.out("payments", "show", payment.payment_id)
    for text in ("PO-7", "15.00", "12.01", "4 x 19.9975", "Chairs", "Berlin"):
        assert text in shown, text
    document = json.loads(cli.out("payments", "show", payment.payment_id, "--json"))
    assert document["payment"]["order_details"]["purchase_order_number"] == "PO-7"


def test_the_address_is_erased_with_the_customer_and_the_order_is_kept(bayar: BayarClient) -> None:
    customer = bayar.create_customer(given_name="Ada")
    payment = buy(bayar, order(), customer_id=customer.customer_id, card=a_card())
    bayar.void_payment(payment_id=payment.payment_id)
    bayar.delete_customer(customer_id=customer.customer_id)
    shown = bayar.get_payment(payment_id=payment.payment_id)
    assert not shown.HasField("shipping_address")
    assert shown.order_details.purchase_order_number == "PO-7"


def test_a_guest_is_shown_at_the_gateway_and_at_the_terminal(bayar: BayarClient, pair: Pair, panel: Any) -> None:
    ada = GuestContact(given_name="Ada", family_name="Lovelace", email="ada@example.com", phone="+44 20 7946 0000")
    payment = pay(bayar, guest=ada)
    assert bayar.get_payment(payment_id=payment.payment_id).guest == ada
    person = panel.transaction.find(payment.gateway_details.transaction_id).customer_details
    assert (person.first_name, person.last_name, person.email) == ("Ada", "Lovelace", "ada@example.com")
    assert (person.id, person.phone) == (None, "+44 20 7946 0000")
    assert "ada@example.com" in CommandLine(pair.service.address).out("payments", "show", payment.payment_id)
    with pytest.raises(BayarError, match=r"guest\.email"):
        pay(bayar, guest=GuestContact(email="ada"))


def test_a_guest_is_erased_and_the_payment_stays(bayar: BayarClient, pair: Pair) -> None:
    guest = GuestContact(given_name="Siti", email="siti@example.com", phone="+62215550123")
    paid = pay(bayar, guest=guest)
    cli = CommandLine(pair.service.address)
    assert "The payment stays" in cli.out("customers", "erase-guest", paid.payment_id, "--yes")
    kept = bayar.get_payment(payment_id=paid.payment_id)
    assert (kept.HasField("guest"), kept.state, kept.amount) == (False, paid.state, paid.amount)
    member = bayar.create_customer(given_name="Sari")
    theirs = pay(bayar, customer_id=member.customer_id)
    with pytest.raises(BayarError) as refused:
        bayar.erase_guest(payment_id=theirs.payment_id)
    assert [one.field for one in refused.value.violations] == ["payment_id"]
