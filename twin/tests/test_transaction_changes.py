"""Changes to an existing transaction: reverse, adjust, update, clone, line items, shipments."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from braintree import BraintreeGateway as Gateway
from braintree.exceptions.not_found_error import NotFoundError
from braintree.test.nonces import Nonces
from twin_sdk import card, codes, codes_on, fresh_amount, gateway_to, sale, settled_sale

from braintree_twin.testing import Twin, start_twin

DAY_SECONDS = 24 * 3600


def test_reverse_voids_an_unsettled_sale(gateway: Gateway) -> None:
    result = gateway.transaction.reverse(sale(gateway).id)
    assert result.transaction.status == "voided"


def test_reverse_refunds_a_settled_sale_once(gateway: Gateway) -> None:
    settled = settled_sale(gateway)
    refund = gateway.transaction.reverse(settled.id).transaction
    assert (refund.type, refund.amount, refund.refunded_transaction_id) == ("credit", settled.amount, settled.id)
    assert codes(gateway.transaction.reverse(settled.id)) == ["91512"]


def test_reverse_refunds_the_rest_after_earlier_refunds(gateway: Gateway) -> None:
    settled = settled_sale(gateway, amount="70.03")
    gateway.transaction.refund(settled.id, "20.00")
    assert gateway.transaction.reverse(settled.id).transaction.amount == Decimal("50.03")


def test_reverse_refuses_partly_settled_and_ended_sales(gateway: Gateway) -> None:
    parent = sale(gateway, amount="71.00")
    gateway.transaction.submit_for_partial_settlement(parent.id, "10.00")
    assert codes(gateway.transaction.reverse(parent.id)) == ["915282"]
    gone = sale(gateway)
    gateway.transaction.void(gone.id)
    assert codes(gateway.transaction.reverse(gone.id)) == ["91506"]


@pytest.mark.parametrize(("amount", "change"), [("85.00", "10.00"), ("60.00", "-15.00")])
def test_an_authorization_can_be_raised_and_lowered(gateway: Gateway, amount: str, change: str) -> None:
    transaction = sale(gateway, amount="75.00", order_id=f"adjust-{amount}")
    adjusted = gateway.transaction.adjust_authorization(transaction.id, amount).transaction
    assert (adjusted.id, adjusted.status, adjusted.amount) == (transaction.id, "authorized", Decimal(amount))
    (entry,) = adjusted.authorization_adjustments
    assert (entry.amount, entry.success) == (Decimal(change), True)
    assert entry.processor_response_code == "1000"
    too_much = str(Decimal(amount) + Decimal("0.01"))
    assert codes(gateway.transaction.submit_for_settlement(transaction.id, too_much)) == ["91522"]
    assert gateway.transaction.submit_for_settlement(transaction.id, amount).is_success


def test_an_invalid_adjustment_is_refused_with_its_code(gateway: Gateway) -> None:
    transaction = sale(gateway)
    adjust = gateway.transaction.adjust_authorization
    for amount, level, field, code in [
        ("-1.00", "transaction", "amount", "81501"),
        ("0.00", "transaction", "amount", "81531"),
        ("much", "transaction", "amount", "81503"),
        (str(transaction.amount), "authorization_adjustment", "base", "95606"),
    ]:
        refused = adjust(transaction.id, amount)
        assert codes_on(refused, level, field) == [code]
        assert refused.transaction.amount == transaction.amount
    gateway.transaction.submit_for_settlement(transaction.id)
    assert codes_on(adjust(transaction.id, "1.00"), "transaction", "base") == ["915218"]


def test_a_declined_adjustment_is_recorded_and_leaves_the_amount(gateway: Gateway) -> None:
    transaction = sale(gateway, amount="5.05")
    refused = gateway.transaction.adjust_authorization(transaction.id, "2020.05")
    assert codes(refused) == ["95602"]
    found = gateway.transaction.find(transaction.id)
    assert found.amount == Decimal("5.05")
    assert [entry.success for entry in found.authorization_adjustments] == [False]
    assert codes(gateway.transaction.adjust_authorization(transaction.id, "2005.05")) == ["95603"]


def test_details_can_be_updated_until_settlement(gateway: Gateway) -> None:
    transaction = sale(gateway, amount="33.00", options={"submit_for_settlement": True})
    descriptor = {"name": "abc*def", "phone": "1234567890", "url": "ebay.com"}
    updated = gateway.transaction.update_details(
        transaction.id, {"amount": "20.50", "order_id": "1234", "descriptor": descriptor}
    ).transaction
    assert (updated.amount, updated.order_id, updated.descriptor.name) == (Decimal("20.50"), "1234", "abc*def")
    assert gateway.transaction.update_details(transaction.id, {"amount": "33.00"}).is_success


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"amount": "33.34"}, ("transaction", "amount"), "91522"),
        ({"amount": "much"}, ("transaction", "amount"), "81503"),
        ({"order_id": "x" * 256}, ("transaction", "order_id"), "91501"),
        ({"descriptor": {"name": "invalid"}}, ("transaction", "descriptor", "name"), "92201"),
        ({"descriptor": {"phone": "invalid"}}, ("transaction", "descriptor", "phone"), "92202"),
        ({"descriptor": {"url": "12345678901234"}}, ("transaction", "descriptor", "url"), "92206"),
    ],
)
def test_invalid_details_are_refused(
    gateway: Gateway, fields: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    transaction = sale(gateway, amount="33.33", order_id=str(fields)[:200], options={"submit_for_settlement": True})
    assert codes_on(gateway.transaction.update_details(transaction.id, fields), *path) == [code]


def test_details_of_an_authorized_sale_cannot_be_updated(gateway: Gateway) -> None:
    refused = gateway.transaction.update_details(sale(gateway).id, {"amount": "1.00"})
    assert codes_on(refused, "transaction", "base") == ["915129"]


def test_a_clone_is_a_new_sale_with_the_same_card(gateway: Gateway) -> None:
    original = sale(gateway, order_id="123", customer={"first_name": "Dan"}, billing={"first_name": "Carl"})
    clone = gateway.transaction.clone_transaction(
        original.id, {"amount": "123.45", "channel": "Partner", "options": {"submit_for_settlement": "false"}}
    ).transaction
    assert clone.id != original.id
    assert (clone.amount, clone.status, clone.channel) == (Decimal("123.45"), "authorized", "Partner")
    assert (clone.order_id, clone.credit_card_details.bin) == ("123", "411111")
    assert (clone.customer_details.first_name, clone.billing_details.first_name) == ("Dan", "Carl")
    submitted = gateway.transaction.clone_transaction(
        original.id, {"amount": "123.46", "options": {"submit_for_settlement": True}}
    )
    assert submitted.transaction.status == "submitted_for_settlement"


def test_an_invalid_clone_has_its_code(gateway: Gateway) -> None:
    wanted: dict[str, Any] = {"amount": "12.34", "options": {"submit_for_settlement": False}}
    credit = gateway.transaction.credit({"amount": fresh_amount(), "credit_card": card()}).transaction
    declined = gateway.transaction.sale({"amount": "2000.00", "credit_card": card()}).transaction
    kept = sale(gateway, options={"store_in_vault": True})
    paypal = sale(gateway, payment_method_nonce=Nonces.PayPalOneTimePayment)
    for original, code in ((credit, "91543"), (declined, "91542"), (kept, "91540"), (paypal, "91573")):
        assert codes_on(gateway.transaction.clone_transaction(original.id, wanted), "transaction", "base") == [code]
    plain = sale(gateway)
    assert codes(gateway.transaction.clone_transaction(plain.id, {"amount": "12.34"})) == ["91544"]
    assert codes(gateway.transaction.clone_transaction(plain.id, {"options": wanted["options"]})) == ["81502"]


def test_line_items_are_stored_and_listed(gateway: Gateway) -> None:
    item = {"kind": "debit", "name": "Name #1", "quantity": "1.0232", "unit_amount": "45.1232", "total_amount": "45.15"}
    transaction = sale(gateway, line_items=[item, {**item, "kind": "credit", "name": "Name #2"}])
    first, second = transaction.line_items
    assert (first.name, first.quantity, first.unit_amount) == ("Name #1", "1.0232", "45.1232")
    assert (second.kind, second.description) == ("credit", None)
    assert gateway.transaction_line_item.find_all(sale(gateway).id) == []
    with pytest.raises(NotFoundError):
        gateway.transaction_line_item.find_all("nothing")


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"commodity_code": "1" * 13}, "commodity_code", "95801"),
        ({"description": "X" * 128}, "description", "95803"),
        ({"discount_amount": "$1"}, "discount_amount", "95804"),
        ({"discount_amount": "2147483648"}, "discount_amount", "95805"),
        ({"discount_amount": "-2"}, "discount_amount", "95806"),
        ({"kind": "sale"}, "kind", "95807"),
        ({"kind": None}, "kind", "95808"),
        ({"name": None}, "name", "95822"),
        ({"name": "X" * 36}, "name", "95823"),
        ({"product_code": "1" * 13}, "product_code", "95809"),
        ({"quantity": "1,2322"}, "quantity", "95810"),
        ({"quantity": None}, "quantity", "95811"),
        ({"quantity": "2147483648"}, "quantity", "95812"),
        ({"total_amount": "$45.15"}, "total_amount", "95813"),
        ({"total_amount": None}, "total_amount", "95814"),
        ({"total_amount": "2147483648"}, "total_amount", "95815"),
        ({"total_amount": "-2"}, "total_amount", "95816"),
        ({"unit_amount": "45.01232"}, "unit_amount", "95817"),
        ({"unit_amount": None}, "unit_amount", "95818"),
        ({"unit_amount": "2147483648"}, "unit_amount", "95819"),
        ({"unit_amount": "-2"}, "unit_amount", "95820"),
        ({"unit_of_measure": "1" * 13}, "unit_of_measure", "95821"),
        ({"unit_tax_amount": "2.345"}, "unit_tax_amount", "95824"),
        ({"unit_tax_amount": "2147483648"}, "unit_tax_amount", "95825"),
        ({"unit_tax_amount": "-2"}, "unit_tax_amount", "95826"),
        ({"tax_amount": "$3"}, "tax_amount", "95827"),
        ({"tax_amount": "2147483648"}, "tax_amount", "95828"),
        ({"tax_amount": "-2"}, "tax_amount", "95829"),
        ({"upc_type": "UPC-B"}, "upc_code", "95830"),
        ({"upc_type": "UPC-B", "upc_code": "1" * 18}, "upc_code", "95831"),
        ({"upc_code": "042100005264"}, "upc_type", "95832"),
        ({"upc_code": "042100005264", "upc_type": "USB-C"}, "upc_type", "95833"),
    ],
)
def test_each_error_of_a_line_item_has_its_code_and_index(
    gateway: Gateway, fields: dict[str, Any], field: str, code: str
) -> None:
    good = {"kind": "debit", "name": "Name", "quantity": "1", "unit_amount": "45.12", "total_amount": "45.15"}
    result = gateway.transaction.sale(
        {"amount": "35.05", "credit_card": card(), "line_items": [good, {**good, **fields}]}
    )
    faults = result.errors.for_object("transaction").for_object("line_items").for_index(1).on(field)
    assert [fault.code for fault in faults] == [code]
    assert codes(result) == [code]


def test_one_object_in_place_of_line_items_is_refused(gateway: Gateway) -> None:
    item = {"kind": "debit", "name": "Name", "quantity": "1", "unit_amount": "45.12", "total_amount": "45.15"}
    refused = gateway.transaction.sale({"amount": fresh_amount(), "credit_card": card(), "line_items": item})
    assert codes_on(refused, "transaction", "line_items") == ["915158"]
    assert codes(refused) == ["915158"]


def test_a_sale_has_at_most_249_line_items(gateway: Gateway) -> None:
    item = {"kind": "debit", "name": "Name", "quantity": "1", "unit_amount": "45.12", "total_amount": "45.15"}
    request = {"amount": fresh_amount(), "credit_card": card()}
    assert codes_on(gateway.transaction.sale({**request, "line_items": [item] * 250}), "transaction", "line_items") == [
        "915157"
    ]
    assert len(sale(gateway, line_items=[item] * 249).line_items) == 249


def test_packages_of_a_paypal_sale_are_tracked(gateway: Gateway) -> None:
    transaction = sale(
        gateway,
        customer_id=None,
        paypal_account={"payer_id": "fake-payer-id", "payment_id": "fake-payment-id"},
        options={"submit_for_settlement": True},
    )
    assert transaction.payment_instrument_type == "paypal_account"
    track = gateway.transaction.package_tracking
    assert track(transaction.id, {"tracking_number": "1Z"}).message == "Carrier name is required."
    assert track(transaction.id, {"carrier": "UPS"}).message == "Tracking number is required."
    track(transaction.id, {"carrier": "UPS", "tracking_number": "1Z"})
    first, second = track(transaction.id, {"carrier": "FEDEX", "tracking_number": "08"}).transaction.packages
    assert (first.carrier, first.tracking_number, second.carrier) == ("UPS", "1Z", "FEDEX")


def test_submit_for_settlement_takes_level_3_data(gateway: Gateway) -> None:
    transaction = sale(gateway)
    details = {"purchase_order_number": "po1", "tax_amount": "2.00", "shipping_amount": "1.00", "order_id": "late"}
    submitted = gateway.transaction.submit_for_settlement(transaction.id, None, details).transaction
    assert (submitted.purchase_order_number, submitted.order_id) == ("po1", "late")
    assert (submitted.tax_amount, submitted.shipping_amount) == (Decimal("2.00"), Decimal("1.00"))
    wrong = gateway.transaction.submit_for_settlement(sale(gateway).id, None, {"discount_amount": "-1.00"})
    assert codes(wrong) == ["915160"]


@pytest.fixture(scope="module")
def own() -> Iterator[Twin]:
    """A twin whose clock and faults are this module's."""
    with start_twin() as running:
        yield running


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({"credit_card": card()}, 7),
        ({"credit_card": card(), "transaction_source": "unscheduled"}, 1),
        ({"credit_card": card(number="5555555555554444")}, 7),
        ({"credit_card": card(number="5555555555554444"), "transaction_source": "estimated"}, 30),
        ({"credit_card": card(number="378282246310005")}, 7),
        ({"credit_card": card(number="6011000991300009")}, 30),
        ({"credit_card": card(number="3530111333300000")}, 30),
        ({"credit_card": card(number="36259600000004")}, 30),
        ({"payment_method_nonce": Nonces.PayPalOneTimePayment}, 29),
        ({"payment_method_nonce": Nonces.VenmoAccount}, 10),
    ],
)
def test_authorizations_expire_after_the_days_of_their_brand(own: Twin, fields: dict[str, Any], days: int) -> None:
    gateway = gateway_to(own)
    transaction = sale(gateway, **fields)
    assert (transaction.authorization_expires_at - transaction.created_at).days == days
    own.control.advance(days * DAY_SECONDS - 60)
    assert gateway.transaction.find(transaction.id).status == "authorized"
    own.control.advance(60)
    expired = gateway.transaction.find(transaction.id)
    assert expired.status == "authorization_expired"
    assert [event.status for event in expired.status_history] == ["authorized", "authorization_expired"]
    assert codes(gateway.transaction.submit_for_settlement(transaction.id)) == ["91507"]
    assert codes(gateway.transaction.void(transaction.id)) == ["91504"]


def test_an_api_request_key_is_in_flight_until_its_first_request_ends(own: Twin) -> None:
    gateway = gateway_to(own)
    request = {"amount": "9.09", "credit_card": card(), "api_request_key": "in-flight"}
    own.control.add_fault("delay", seconds=0.6, path="/transactions", next=1)
    first: list[Any] = []
    thread = threading.Thread(target=lambda: first.append(gateway.transaction.sale(dict(request))))
    thread.start()
    deadline = time.monotonic() + 5
    while not own.control.faults()[0].struck and time.monotonic() < deadline:
        time.sleep(0.01)
    meanwhile = gateway.transaction.sale(dict(request))
    thread.join()
    own.control.clear_faults()
    assert codes_on(meanwhile, "transaction", "api_request_key") == ["915233"]
    afterwards = gateway.transaction.sale(dict(request))
    assert afterwards.transaction.id == first[0].transaction.id


def test_escrow_calls_are_refused(gateway: Gateway) -> None:
    assert codes_on(gateway.transaction.cancel_release(sale(gateway).id), "transaction", "base") == ["91562"]


def test_a_clone_of_a_disputed_sale_is_disputed_too(gateway: Gateway) -> None:
    original = sale(gateway, credit_card=card(number="4023898493988028"), options={"submit_for_settlement": True})
    clone = gateway.transaction.clone_transaction(
        original.id, {"amount": fresh_amount(), "options": {"submit_for_settlement": True}}
    ).transaction
    assert len(gateway.transaction.find(clone.id).disputes) == len(gateway.transaction.find(original.id).disputes) == 1
