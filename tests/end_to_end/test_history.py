"""Reads: lists, pages, events, exports and verification."""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from bayar.messages import (
    BayarClient,
    BayarError,
    CaptureMode,
    OperationKind,
    Payment,
    PaymentEventType,
    PaymentFunds,
    PaymentSearchField,
    PaymentSearchHit,
    PaymentState,
    money,
)
from bayar.payments.v1.admin_service_pb2 import ExportPaymentsRequest, ExportRow
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from bayar.payments.v1.decline_pb2 import DeclineReason
from bayar.payments.v1.payment_service_pb2 import (
    ListPaymentEventsRequest,
    ListPaymentsRequest,
    PaymentFilter,
    VerificationOutcome,
)
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.api_keys import ACTOR
from tests.end_to_end.payment_steps import MASTERCARD, a_card, pay, usd
from tests.end_to_end.refusal_reader import refused
from tests.end_to_end.service import Pair, until

MATCHES = VerificationOutcome.VERIFICATION_OUTCOME_MATCHES
REPAIRED = VerificationOutcome.VERIFICATION_OUTCOME_REPAIRED


def refs(payments: Iterator[Payment]) -> list[str]:
    return [payment.reference.rsplit("/")[-1] for payment in payments]


def test_every_filter_finds_what_it_says_and_nothing_else(bayar: BayarClient) -> None:
    mine = uuid.uuid4().hex
    sari = bayar.create_customer(given_name="Sari")
    pay(bayar, "5.00", reference=f"{mine}/first")
    pay(bayar, "20.00", reference=f"{mine}/Second", customer_id=sari.customer_id, card=a_card(MASTERCARD))
    between = datetime.now(UTC)
    pay(bayar, "2000.00", reference=f"{mine}/third")
    pay(bayar, money("50000.00", "IDR"), reference=f"{mine}/100%_fourth")
    held = pay(bayar, "30.00", reference=f"{mine}/fifth", capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    bayar.void_payment(payment_id=held.payment_id)

    assert refs(bayar.list_payments(reference_contains=mine)) == ["fifth", "100%_fourth", "third", "Second", "first"]
    assert refs(bayar.list_payments(reference_contains=f"{mine.upper()}/sec")) == ["Second"]
    assert refs(bayar.list_payments(reference_contains=f"{mine}/100%_")) == ["100%_fourth"]
    assert refs(bayar.list_payments(reference_contains=f"{mine}/%")) == []
    assert refs(bayar.list_payments(reference=f"{mine}/first")) == ["first"]
    assert refs(bayar.list_payments(customer_id=sari.customer_id)) == ["Second"]
    declined = [PaymentState.PAYMENT_STATE_DECLINED]
    assert refs(bayar.list_payments(reference_contains=mine, states=declined)) == ["third"]
    more = [*declined, PaymentState.PAYMENT_STATE_VOIDED]
    assert refs(bayar.list_payments(reference_contains=mine, states=more)) == ["fifth", "third"]
    assert refs(bayar.list_payments(reference_contains=mine, currency_code="IDR")) == ["100%_fourth"]
    ranged = bayar.list_payments(
        reference_contains=mine, currency_code="USD", min_amount_minor_units=2000, max_amount_minor_units=3000
    )
    assert refs(ranged) == ["fifth", "Second"]
    assert refs(bayar.list_payments(reference_contains=mine, brand="MasterCard", last_four="4444")) == ["Second"]
    assert refs(bayar.list_payments(reference_contains=mine, last_four="9999")) == []
    assert refs(bayar.list_payments(reference_contains=mine, created_until_time=between)) == ["Second", "first"]
    assert refs(bayar.list_payments(reference_contains=mine, created_from_time=between)) == [
        "fifth",
        "100%_fourth",
        "third",
    ]


def test_pages_neither_skip_nor_repeat_while_payments_arrive(bayar: BayarClient, pair: Pair) -> None:
    mine = uuid.uuid4().hex
    made = [pay(bayar, reference=f"{mine}/{n}").payment_id for n in range(12)]
    stop, arriving = threading.Event(), pair.service.client()

    def arrive() -> None:
        number = 100
        while not stop.is_set():
            pay(arriving, reference=f"{mine}/{number}")
            number += 1

    thread = threading.Thread(target=arrive)
    thread.start()
    try:
        listed = [payment.payment_id for payment in bayar.list_payments(reference_contains=mine, page_size=2)]
    finally:
        stop.set()
        thread.join()
    assert len(listed) == len(set(listed))
    assert [payment_id for payment_id in listed if payment_id in made] == made[::-1]
    assert listed == sorted(listed, reverse=True)


def test_a_page_token_is_bound_to_its_list_and_refused_when_tampered_with(bayar: BayarClient) -> None:
    mine = uuid.uuid4().hex
    payments = [pay(bayar, reference=f"{mine}/{n}") for n in range(3)]
    stub = PaymentServiceStub(bayar.channel)
    first = ListPaymentsRequest(filter=PaymentFilter(reference_contains=mine), page_size=1)
    token = stub.ListPayments(first, timeout=30).next_page_token
    assert token
    assert payments[0].payment_id not in token
    assert stub.ListPayments(ListPaymentsRequest(filter=first.filter, page_token=token), timeout=30).payments
    flipped = "A" if token[len(token) // 2] != "A" else "B"
    tampered = [
        token[:-1],
        token + "A",
        token[: len(token) // 2] + flipped + token[len(token) // 2 + 1 :],
        base64.urlsafe_b64encode(b"2026-01-01|pay_" + b"0" * 26).decode(),
        "💳",
        "x" * 100_000,
    ]
    for wrong in tampered:
        request = ListPaymentsRequest(filter=first.filter, page_token=wrong)
        assert refused(stub.ListPayments, request).faults == {"page_token": ["PAGE_TOKEN"]}
    foreign = ListPaymentsRequest(filter=PaymentFilter(reference_contains=mine[:-1]), page_token=token)
    assert refused(stub.ListPayments, foreign).faults == {"page_token": ["PAGE_TOKEN"]}
    events = ListPaymentEventsRequest(payment_id=payments[0].payment_id, page_token=token)
    assert refused(stub.ListPaymentEvents, events).faults == {"page_token": ["PAGE_TOKEN"]}
    of_one = ListPaymentEventsRequest(payment_id=payments[0].payment_id, page_size=1)
    token = stub.ListPaymentEvents(of_one, timeout=30).next_page_token
    of_other = ListPaymentEventsRequest(payment_id=payments[1].payment_id, page_token=token)
    assert refused(stub.ListPaymentEvents, of_other).faults == {"page_token": ["PAGE_TOKEN"]}


def test_a_page_is_fifty_by_default_and_five_hundred_at_most(bayar: BayarClient) -> None:
    stub = PaymentServiceStub(bayar.channel)
    assert len(stub.ListPayments(ListPaymentsRequest(page_size=2**31 - 1), timeout=30).payments) <= 500
    assert len(stub.ListPayments(ListPaymentsRequest(), timeout=30).payments) <= 50


def test_events_show_who_did_what_when_and_why_with_the_gateway_s_codes(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, "50.00")
    pair.twin.control.settle()
    bayar.refund_payment(payment_id=payment.payment_id, amount=usd("20.00"), note="one was broken")
    events = list(bayar.list_payment_events(payment_id=payment.payment_id, page_size=2))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert len({event.event_id for event in events}) == len(events)
    kinds = [PaymentEventType.Name(event.type).removeprefix("PAYMENT_EVENT_TYPE_") for event in events]
    assert kinds == [
        "CREATED",
        "OPERATION_STARTED",
        "OPERATION_SUCCEEDED",
        "GATEWAY_STATUS_CHANGED",
        "OPERATION_STARTED",
        "OPERATION_SUCCEEDED",
    ]
    assert [event.actor for event in events] == [ACTOR, ACTOR, ACTOR, "bayar", ACTOR, ACTOR]
    assert all(event.summary and event.HasField("event_time") for event in events)
    assert "one was broken" in events[4].summary
    assert (events[4].operation_kind, events[4].amount) == (OperationKind.OPERATION_KIND_REFUND, usd("20.00"))
    assert events[2].gateway_details.processor_response_code == "1000"
    assert events[3].state == PaymentState.PAYMENT_STATE_SETTLED
    declined = pay(bayar, "2001.00")
    last = list(bayar.list_payment_events(payment_id=declined.payment_id))[-1]
    assert "2001" in last.summary
    assert last.gateway_details.processor_response_code == "2001"


def test_the_merchant_s_own_view_is_on_the_payment(bayar: BayarClient) -> None:
    details = pay(bayar, card=a_card(cvv="200")).gateway_details
    assert details.transaction_id
    assert details.cvv_response == "N"
    assert details.network_transaction_id
    assert details.avs_postal_code_response


def test_decline_reasons_are_published_with_texts_and_codes(bayar: BayarClient) -> None:
    entries = list(bayar.list_decline_reasons(language_code="id"))
    named = {entry.decline.reason for entry in entries}
    assert named == set(DeclineReason.values()) - {DeclineReason.DECLINE_REASON_UNSPECIFIED}
    for entry in entries:
        assert {text.locale for text in entry.decline.customer_messages} == {"en", "id"}
        assert entry.decline.customer_message.locale == entry.decline.merchant_message.locale == "id"
        assert entry.decline.fixer
        assert entry.decline.retry_advice
    codes = {code: entry.decline.reason for entry in entries for code in entry.gateway_codes}
    assert codes["2001"] == DeclineReason.DECLINE_REASON_INSUFFICIENT_FUNDS
    assert len(codes) > 80


def exported(bayar: BayarClient, since: datetime, until: datetime) -> list[ExportRow]:
    window = [Timestamp(), Timestamp()]
    for stamp, moment in zip(window, (since, until), strict=True):
        stamp.FromDatetime(moment)
    answers = AdminServiceStub(bayar.channel).ExportPayments(
        ExportPaymentsRequest(from_time=window[0], until_time=window[1]), timeout=60
    )
    return [row for answer in answers for row in answer.rows]


def test_an_export_is_a_row_for_each_movement_oldest_first(bayar: BayarClient, pair: Pair) -> None:
    since = datetime.now(UTC)
    first = pay(bayar, "50.00")
    pair.twin.control.settle()
    bayar.refund_payment(payment_id=first.payment_id, amount=usd("20.00"))
    second = pay(bayar, money("1050", "JPY"))
    rows = exported(bayar, since, datetime.now(UTC) + timedelta(seconds=1))
    assert [(row.payment_id, row.kind) for row in rows] == [
        (first.payment_id, OperationKind.OPERATION_KIND_AUTHORIZE),
        (first.payment_id, OperationKind.OPERATION_KIND_REFUND),
        (second.payment_id, OperationKind.OPERATION_KIND_AUTHORIZE),
    ]
    assert rows[1].amount == usd("20.00")
    assert (rows[0].brand, rows[0].last_four) == ("Visa", "1111")
    assert all(row.gateway_transaction_id and row.caller_id for row in rows)
    assert exported(bayar, since - timedelta(days=2), since - timedelta(days=1)) == []


def test_an_export_needs_its_window(bayar: BayarClient) -> None:
    stub = AdminServiceStub(bayar.channel)

    def export(request: ExportPaymentsRequest, timeout: float) -> list[object]:
        return list(stub.ExportPayments(request, timeout=timeout))

    assert refused(export, ExportPaymentsRequest()).faults == {"from_time": ["REQUIRED"], "until_time": ["REQUIRED"]}
    backwards = ExportPaymentsRequest(from_time=Timestamp(seconds=10), until_time=Timestamp(seconds=5))
    assert refused(export, backwards).faults == {"until_time": ["AFTER"]}


def test_verification_says_that_the_record_is_right_or_repairs_it(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar)
    assert bayar.verify_payment(payment_id=payment.payment_id).outcome == MATCHES
    pair.twin.control.settle()
    answer = bayar.verify_payment(payment_id=payment.payment_id)
    assert answer.outcome == REPAIRED
    assert [(d.field, d.recorded, d.at_gateway) for d in answer.differences] == [("status", "submitted", "settled")]
    assert answer.HasField("verify_time")
    assert answer.payment.funds == PaymentFunds.PAYMENT_FUNDS_SETTLED
    again = bayar.verify_payment(payment_id=payment.payment_id)
    assert (again.outcome, list(again.differences)) == (MATCHES, [])
    types = [event.type for event in bayar.list_payment_events(payment_id=payment.payment_id)]
    assert PaymentEventType.PAYMENT_EVENT_TYPE_DIFFERENCE_REPAIRED in types
    pair.twin.control.advance(timedelta(days=3))
    answer = bayar.verify_payment(payment_id=payment.payment_id)
    assert answer.outcome == REPAIRED
    assert {d.field: d.at_gateway for d in answer.differences}["settlement_amount"] == "USD 10.00"
    paid_out = answer.payment
    assert paid_out.funds == PaymentFunds.PAYMENT_FUNDS_DISBURSED
    assert paid_out.HasField("disburse_time")
    assert paid_out.settlement_amount == usd("10.00")


def test_a_search_finds_what_people_know_and_says_where(bayar: BayarClient) -> None:
    mine = uuid.uuid4().hex[:12]
    sari = bayar.create_customer(given_name="Sárí", family_name=f"K{mine}", email=f"{mine}@example.com")
    payment = pay(
        bayar, "37.50", reference=f"S-{mine}", customer_id=sari.customer_id, metadata={"order_no": f"A{mine}"}
    )

    def found(query: str, **more: Any) -> list[PaymentSearchHit]:
        return list(bayar.search_payments(query=query, **more))

    (exact,) = found(f"S-{mine}")
    assert exact.payment == bayar.get_payment(payment_id=payment.payment_id)
    assert [match.field for match in exact.matches] == [PaymentSearchField.PAYMENT_SEARCH_FIELD_REFERENCE]
    (hit,) = until(lambda: found(f"sari k{mine} 37.50"))
    assert {match.field for match in hit.matches} == {
        PaymentSearchField.PAYMENT_SEARCH_FIELD_NAME,
        PaymentSearchField.PAYMENT_SEARCH_FIELD_AMOUNT,
    }
    today = f"{payment.create_time.ToDatetime():%Y-%m-%d}"
    for query in (f"{mine}@example.com {today}", f"order_no:A{mine}", f"k{mine} {payment.instrument.last_four}"):
        assert [one.payment.payment_id for one in found(query)] == [payment.payment_id], query
    assert found(f"k{mine}", funds=[PaymentFunds.PAYMENT_FUNDS_HELD]) == []
    assert found(f"k{mine}", is_disputed=True) == []
    assert len(found("", name=f"k{mine}", amount=usd("37.50"), is_disputed=False)) == 1
    for bad in ("4111 1111 1111 1111", "", " ".join("abcdefghijklm")):
        with pytest.raises(BayarError) as raised:
            found(bad)
        assert (raised.value.reason, [one.field for one in raised.value.violations]) == ("INVALID_REQUEST", ["query"])


def test_a_watch_gives_each_change_until_the_payment_rests(bayar: BayarClient) -> None:
    payment = pay(bayar, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    seen: list[PaymentState.ValueType] = []
    watch = bayar.watch_payment(payment_id=payment.payment_id, timeout_seconds=30)
    seen.append(next(watch).state)
    bayar.capture_payment(payment_id=payment.payment_id)
    while seen[-1] != PaymentState.PAYMENT_STATE_CAPTURED:
        seen.append(next(watch).state)
    bayar.void_payment(payment_id=payment.payment_id)
    seen += [one.state for one in watch]
    assert seen[0] == PaymentState.PAYMENT_STATE_AUTHORIZED
    assert seen[-1] == PaymentState.PAYMENT_STATE_VOIDED
    assert [one.state for one in bayar.watch_payment(payment_id=payment.payment_id)] == [seen[-1]]


def test_a_watch_of_nothing_is_refused(bayar: BayarClient) -> None:
    with pytest.raises(BayarError) as raised:
        next(bayar.watch_payment(payment_id="pay_" + "0" * 26))
    assert raised.value.code is grpc.StatusCode.NOT_FOUND
    with pytest.raises(BayarError) as raised:
        next(bayar.watch_payment(payment_id="nothing"))
    assert raised.value.reason == "INVALID_REQUEST"
