"""The lifecycle of a transaction: settlement in full and in part, voids, refunds, expiry."""

from __future__ import annotations

from decimal import Decimal

import braintree
import pytest
from raw_http import RawHttp
from twin_sdk import card, codes, fresh_amount, gateway_to, sale, sale_request, settled_sale

from braintree_twin.testing import Twin, start_twin

Gateway = braintree.BraintreeGateway


def test_an_authorization_is_submitted_in_full(gateway: Gateway) -> None:
    transaction = sale(gateway, amount="40.00", order_id="whole")
    result = gateway.transaction.submit_for_settlement(transaction.id)
    assert result.transaction.status == "submitted_for_settlement"
    assert result.transaction.amount == Decimal("40.00")
    assert codes(gateway.transaction.submit_for_settlement(transaction.id)) == ["91507"]


def test_an_authorization_is_submitted_for_less_and_never_for_more(gateway: Gateway) -> None:
    transaction = sale(gateway, amount="40.00", order_id="less")
    assert codes(gateway.transaction.submit_for_settlement(transaction.id, "40.01")) == ["91522"]
    result = gateway.transaction.submit_for_settlement(
        transaction.id, "10.00", {"order_id": "changed", "descriptor": {"name": "abc*less"}}
    )
    assert result.transaction.amount == Decimal("10.00")
    assert result.transaction.order_id == "changed"
    assert result.transaction.descriptor.name == "abc*less"
    assert [event.amount for event in result.transaction.status_history] == [Decimal("40.00"), Decimal("10.00")]


def test_partial_settlements_use_up_the_authorization(gateway: Gateway) -> None:
    parent = sale(gateway, amount="30.00", order_id="parent")
    first = gateway.transaction.submit_for_partial_settlement(parent.id, "10.00", {"order_id": "part-1"}).transaction
    assert first.authorized_transaction_id == parent.id
    assert first.status == "submitted_for_settlement"
    assert first.order_id == "part-1"
    assert codes(gateway.transaction.submit_for_partial_settlement(parent.id, "20.01")) == ["91522"]
    second = gateway.transaction.submit_for_partial_settlement(parent.id, "20.00").transaction
    assert codes(gateway.transaction.submit_for_partial_settlement(parent.id, "0.01")) == ["91522"]
    assert codes(gateway.transaction.submit_for_partial_settlement(first.id, "1.00")) == ["915103"]
    found = gateway.transaction.find(parent.id)
    assert found.status == "settlement_pending"
    assert found.partial_settlement_transaction_ids == [first.id, second.id]


def test_a_venmo_sale_is_not_settled_in_parts(gateway: Gateway) -> None:
    transaction = sale(gateway, amount="30.00", payment_method_nonce="fake-venmo-account-nonce")
    assert codes(gateway.transaction.submit_for_partial_settlement(transaction.id, "10.00")) == ["915101"]
    assert gateway.transaction.submit_for_settlement(transaction.id, "10.00").is_success


def test_an_authorization_can_be_voided_once(gateway: Gateway) -> None:
    transaction = sale(gateway)
    assert gateway.transaction.void(transaction.id).transaction.status == "voided"
    assert codes(gateway.transaction.void(transaction.id)) == ["91504"]


def test_the_rest_of_an_authorization_is_voided_and_its_partial_settlements_stay(gateway: Gateway) -> None:
    parent = sale(gateway, amount="30.00")
    part = gateway.transaction.submit_for_partial_settlement(parent.id, "10.00").transaction
    assert gateway.transaction.void(parent.id).transaction.status == "voided"
    assert gateway.transaction.find(part.id).status == "submitted_for_settlement"
    assert codes(gateway.transaction.submit_for_partial_settlement(parent.id, "1.00")) == ["91507"]


def test_only_a_paypal_sale_can_be_voided_while_its_settlement_is_pending(gateway: Gateway) -> None:
    submit = {"submit_for_settlement": True}
    by_card = sale(gateway, options=submit)
    by_paypal = sale(gateway, options=submit, payment_method_nonce="fake-paypal-one-time-nonce")
    for transaction in (by_card, by_paypal):
        gateway.testing.settlement_pending_transaction(transaction.id)
        assert codes(gateway.transaction.refund(transaction.id)) == ["91506"]
    assert codes(gateway.transaction.void(by_card.id)) == ["91504"]
    assert gateway.transaction.void(by_paypal.id).transaction.status == "voided"


def test_a_settled_sale_is_refunded_in_parts_and_never_beyond(gateway: Gateway) -> None:
    transaction = settled_sale(gateway, amount="50.00", order_id="refunded")
    first = gateway.transaction.refund(transaction.id, {"amount": "20.00", "order_id": "refund-1"}).transaction
    assert first.type == "credit"
    assert first.status == "submitted_for_settlement"
    assert first.order_id == "refund-1"
    assert first.refunded_transaction_id == transaction.id
    assert first.processor_response_code == "1002"
    assert codes(gateway.transaction.refund(transaction.id, "30.01")) == ["91521"]
    rest = gateway.transaction.refund(transaction.id).transaction
    assert rest.amount == Decimal("30.00")
    assert codes(gateway.transaction.refund(transaction.id)) == ["91512"]
    assert gateway.transaction.find(transaction.id).refund_ids == [first.id, rest.id]


def test_a_voided_refund_can_be_repeated(gateway: Gateway) -> None:
    transaction = settled_sale(gateway)
    refund = gateway.transaction.refund(transaction.id).transaction
    assert gateway.transaction.void(refund.id).is_success
    assert gateway.transaction.refund(transaction.id).is_success


def test_an_unsettled_sale_cannot_be_refunded(gateway: Gateway) -> None:
    transaction = sale(gateway)
    assert codes(gateway.transaction.refund(transaction.id)) == ["91506"]


def test_refunds_can_be_declined_hard_and_soft(gateway: Gateway) -> None:
    transaction = settled_sale(gateway, amount="9000.00", order_id="big")
    hard = gateway.transaction.refund(transaction.id, "2004.00")
    assert codes(hard) == ["915200"]
    assert hard.transaction.status == "processor_declined"
    soft = gateway.transaction.refund(transaction.id, "2046.00")
    assert codes(soft) == ["915201"]
    assert (soft.transaction.status, soft.transaction.processor_response_type) == (
        "processor_declined",
        "soft_declined",
    )
    assert gateway.transaction.refund(transaction.id).transaction.amount == Decimal("9000.00")


def test_the_testing_gateway_settles_submitted_sales_only(gateway: Gateway) -> None:
    assert codes(gateway.testing.settle_transaction(sale(gateway).id)) == ["91575"]
    settled = settled_sale(gateway)
    assert settled.status == "settled"
    assert settled.settlement_batch_id.endswith(tuple("0123456789abcdefghjkmnpqrstvwxyz"))
    declined = gateway.testing.settlement_decline_transaction(sale(gateway, options={"submit_for_settlement": True}).id)
    assert declined.transaction.status == "settlement_declined"
    assert declined.transaction.processor_settlement_response_code == "4001"


def test_the_same_api_request_key_gets_the_same_transaction(gateway: Gateway) -> None:
    def request() -> dict[str, object]:
        return {"amount": "7.77", "order_id": "keyed", "credit_card": card(), "api_request_key": "key-1"}

    first = gateway.transaction.sale(request()).transaction
    gateway.transaction.void(first.id)
    again = gateway.transaction.sale(request()).transaction
    assert (again.id, again.status) == (first.id, "voided")
    assert codes(gateway.transaction.sale({**request(), "amount": "7.78"})) == ["915232"]
    assert codes(gateway.transaction.sale({**request(), "api_request_key": "x" * 256})) == ["915230"]
    elsewhere = {**request(), "merchant_account_id": "twin_usd_no_request_keys"}
    assert codes(gateway.transaction.sale(elsewhere)) == ["915231"]
    wrong = {**request(), "amount": "nothing", "api_request_key": "key-2"}
    assert codes(gateway.transaction.sale({**wrong})) == ["81503"]
    assert codes(gateway.transaction.sale({**wrong})) == ["915234"]


def test_voids_and_refunds_are_idempotent_by_api_request_key(gateway: Gateway) -> None:
    transaction = sale(gateway)
    first = gateway.transaction.submit_for_settlement(transaction.id, None, {"api_request_key": "submit-1"})
    again = gateway.transaction.submit_for_settlement(transaction.id, None, {"api_request_key": "submit-1"})
    assert first.transaction.id == again.transaction.id == transaction.id
    gateway.testing.settle_transaction(transaction.id)
    refunds = [gateway.transaction.refund(transaction.id, {"api_request_key": "refund-1"}) for _ in range(2)]
    assert refunds[0].transaction.id == refunds[1].transaction.id


def test_a_repeated_request_has_the_status_of_the_first(twin: Twin, gateway: Gateway) -> None:
    raw = RawHttp(twin)
    body = b"<transaction><api-request-key>void-1</api-request-key></transaction>"
    path = f"{raw.base}/transactions/{sale(gateway).id}/void"
    assert [raw.ask("PUT", path, body).status for _ in range(2)] == [200, 200]
    raw.close()


def test_unknown_transactions_are_not_found(gateway: Gateway) -> None:
    with pytest.raises(braintree.exceptions.not_found_error.NotFoundError):
        gateway.transaction.find("nothing")
    with pytest.raises(braintree.exceptions.not_found_error.NotFoundError):
        gateway.transaction.void("nothing")


def test_the_batch_settles_declines_or_leaves_pending_by_amount() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        submit = {"submit_for_settlement": True}
        plain = sale(gateway, amount="10.00", options=submit)
        declined = sale(gateway, amount="4001.00", options=submit)
        pending = sale(gateway, amount="4002.00", payment_method_nonce="fake-paypal-one-time-nonce", options=submit)
        untouched = sale(gateway, amount="12.00")
        assert twin.control.settle() == {"settled": 1, "settlement_declined": 1, "settlement_pending": 1}
        statuses = [gateway.transaction.find(each.id).status for each in (plain, declined, pending, untouched)]
        assert statuses == ["settled", "settlement_declined", "settlement_pending", "authorized"]
        _the_clock_expires_and_disburses(twin, gateway, plain.id, untouched.id)


def _the_clock_expires_and_disburses(twin: Twin, gateway: Gateway, settled_id: str, authorized_id: str) -> None:
    assert not gateway.transaction.find(settled_id).is_disbursed
    twin.control.advance(86_400)
    assert gateway.transaction.find(settled_id).is_disbursed
    assert gateway.transaction.find(authorized_id).status == "authorized"
    twin.control.advance(6 * 86_400)
    assert gateway.transaction.find(authorized_id).status == "authorization_expired"
    assert codes(gateway.transaction.submit_for_settlement(authorized_id)) == ["91507"]


def test_a_sale_after_the_duplicate_window_is_no_duplicate() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        request = sale_request(amount=fresh_amount())
        assert gateway.transaction.sale({**request}).is_success
        twin.control.advance(31)
        assert gateway.transaction.sale({**request}).is_success
