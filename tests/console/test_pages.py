"""Each page, as support, as somebody who may only look, and as a shop with its own key; each act through its form."""

from __future__ import annotations

import csv
import io
import re
import uuid
from datetime import datetime
from typing import Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import grpc
import pytest
from django.test import Client

from bayar import BayarClient, BayarError, Payment, PaymentState, card, money
from tests.console.conftest import Orders
from tests.end_to_end.service import until


def text_of(answer: Any) -> str:
    """The words of a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def a_payment(shop: BayarClient, amount: str = "20.00") -> Payment:
    return shop.create_payment(
        reference=f"order-{uuid.uuid4()}",
        amount=money(amount, "USD"),
        card=card(number="4111111111111111", expiration_month=12, expiration_year=2032, cvv="123"),
    )


def form(**fields: str) -> dict[str, str]:
    return {"request_id": str(uuid.uuid4()), "reason": "The lid was broken", **fields}


@pytest.mark.parametrize(
    "page", ["/", "/payments", "/customers", "/disputes", "/work", "/webhooks", "/blocks", "/books", "/reconcile"]
)
def test_an_operator_sees_each_page(operator: Client, orders: Orders, page: str) -> None:
    assert orders
    assert operator.get(page).status_code == 200


@pytest.mark.parametrize("page", ["/disputes", "/work", "/webhooks", "/blocks"])
def test_a_shop_without_the_scope_is_told_so(shopkeeper: Client, page: str) -> None:
    answer = shopkeeper.get(page)
    assert answer.status_code == 403
    assert "You do not have this right" in text_of(answer)


def test_a_page_names_the_places_that_the_person_may_visit(shopkeeper: Client, operator: Client) -> None:
    assert "Reconciliation" not in text_of(shopkeeper.get("/payments"))
    assert "Reconciliation" in text_of(operator.get("/payments"))


def test_a_payment_says_where_its_money_is(operator: Client, orders: Orders) -> None:
    page = text_of(operator.get(f"/payments/{orders.paid.payment_id}"))
    assert "USD 25.00 was paid." in page
    assert "Captured, waiting for settlement" in page
    assert "Budi Santoso" in page
    assert "Visa 1111" in page
    assert "basket" in page


def test_a_decline_says_why_and_what_to_tell_the_customer_in_their_language_first(
    operator: Client, orders: Orders
) -> None:
    page = text_of(operator.get(f"/payments/{orders.declined.payment_id}"))
    assert "was declined. Nothing was charged." in page
    assert page.index("Saldo atau limit Anda") < page.index("There are not enough funds")
    assert "Nothing was charged, so there is nothing to give back." in page


def test_a_form_offers_at_most_what_can_be_given_back(operator: Client, orders: Orders) -> None:
    page = operator.get(f"/payments/{orders.paid.payment_id}").content.decode()
    assert 'name="amount" inputmode="decimal" value="25.00"' in page


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("25.01", "At most USD 25.00 is possible"),
        ("0", "At most USD 25.00 is possible"),
        ("1.000", "without separators of thousands"),
        ("1,000", "without separators of thousands"),
        ("-5", "without separators of thousands"),
        ("abc", "without separators of thousands"),
        ("", "without separators of thousands"),
        ("٣", "without separators of thousands"),
    ],
)
def test_a_wrong_amount_moves_nothing_and_says_why(
    operator: Client, shop: BayarClient, orders: Orders, amount: str, sentence: str
) -> None:
    path = f"/payments/{orders.paid.payment_id}"
    answer = operator.post(f"{path}/refund", form(amount=amount), follow=True)
    assert sentence in text_of(answer)
    assert shop.get_payment(payment_id=orders.paid.payment_id).refundable_amount == money("25.00", "USD")


def test_a_refund_is_in_the_history_with_the_person_and_the_reason(operator: Client, shop: BayarClient) -> None:
    payment = a_payment(shop)
    answer = operator.post(f"/payments/{payment.payment_id}/refund", form(amount="5,00"), follow=True)
    page = text_of(answer)
    assert "USD 5.00 will be given back, as soon as the payment has settled." in page
    assert "Siti Rahayu for shop: The lid was broken" in page
    assert shop.get_payment(payment_id=payment.payment_id).refundable_amount == money("15.00", "USD")


def test_two_presses_of_one_button_refund_once(operator: Client, shop: BayarClient) -> None:
    payment = a_payment(shop)
    once = form(amount="5.00")
    for _ in range(2):
        operator.post(f"/payments/{payment.payment_id}/refund", once)
    assert shop.get_payment(payment_id=payment.payment_id).refundable_amount == money("15.00", "USD")


def test_an_act_of_an_operator_needs_a_reason(operator: Client, shop: BayarClient) -> None:
    payment = a_payment(shop)
    answer = operator.post(f"/payments/{payment.payment_id}/refund", form(amount="5.00", reason=" "), follow=True)
    assert "Say why" in text_of(answer)
    assert shop.get_payment(payment_id=payment.payment_id).refundable_amount == money("20.00", "USD")


def test_a_form_without_its_request_id_does_nothing(operator: Client, shop: BayarClient) -> None:
    payment = a_payment(shop)
    answer = operator.post(f"/payments/{payment.payment_id}/refund", {"amount": "5.00", "reason": "why"}, follow=True)
    assert "too old" in text_of(answer)
    assert shop.get_payment(payment_id=payment.payment_id).refundable_amount == money("20.00", "USD")


def test_a_reader_sees_no_button_and_is_refused_at_the_door(reader: Client, shop: BayarClient, orders: Orders) -> None:
    payment = a_payment(shop)
    path = f"/payments/{payment.payment_id}"
    assert ">Refund<" not in reader.get(path).content.decode()
    answer = reader.post(f"{path}/refund", form(amount="5.00"))
    assert answer.status_code == 403
    assert shop.get_payment(payment_id=payment.payment_id).refundable_amount == money("20.00", "USD")
    assert reader.get(f"/payments/{orders.paid.payment_id}").status_code == 200


def test_a_hold_is_captured_in_part(operator: Client, shop: BayarClient, orders: Orders) -> None:
    answer = operator.post(f"/payments/{orders.held.payment_id}/capture", form(amount="30.00"), follow=True)
    assert "USD 30.00 is captured." in text_of(answer)
    assert shop.get_payment(payment_id=orders.held.payment_id).captured_amount == money("30.00", "USD")


def test_a_shop_acts_on_its_own_payments_without_a_reason(shopkeeper: Client, shop: BayarClient) -> None:
    payment = a_payment(shop)
    answer = shopkeeper.post(f"/payments/{payment.payment_id}/refund", form(amount="1.00", reason=""), follow=True)
    assert "USD 1.00 will be given back" in text_of(answer)


def test_a_payment_is_compared_with_the_gateway(operator: Client, orders: Orders) -> None:
    answer = operator.post(f"/payments/{orders.declined.payment_id}/verify", form(), follow=True)
    assert "The gateway says the same." in text_of(answer)


@pytest.mark.parametrize("payment_id", ["pay_01m8knd6cb879kfm2wn2e2kde4", "nonsense", "pay_%3Cscript%3E"])
def test_an_unknown_payment_is_a_page_that_says_so(operator: Client, payment_id: str) -> None:
    answer = operator.get(f"/payments/{payment_id}")
    assert answer.status_code in (400, 404)
    assert "<script>" not in answer.content.decode()


@pytest.mark.parametrize("act", ["refunds", "read", "__class__"])
def test_an_unknown_act_is_no_page(operator: Client, orders: Orders, act: str) -> None:
    assert operator.post(f"/payments/{orders.paid.payment_id}/{act}", form()).status_code == 404
    assert "There is no such page" in text_of(operator.get("/nowhere"))


def test_a_service_that_does_not_answer_is_told_as_such(
    operator: Client, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = BayarError(grpc.StatusCode.UNAVAILABLE, "Bayar at 127.0.0.1:1 cannot be reached.")
    monkeypatch.setattr(BayarClient, "get_payment", Mock(side_effect=gone))
    answer = operator.get(f"/payments/{orders.paid.payment_id}")
    assert answer.status_code == 503
    assert "Bayar does not answer now" in text_of(answer)


def test_an_act_without_an_answer_is_repeated_under_its_own_request_id(
    operator: Client, shop: BayarClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = a_payment(shop)
    path = f"/payments/{payment.payment_id}"
    asked = form(amount="5.00")
    lost = BayarError(grpc.StatusCode.DEADLINE_EXCEEDED, "No answer.", outcome_unknown=True)
    with monkeypatch.context() as network:
        network.setattr(BayarClient, "refund_payment", Mock(side_effect=lost))
        page = operator.post(f"{path}/refund", asked, follow=True).content.decode()
    assert "It is not known whether this took effect" in page
    assert f'name="request_id" value="{asked["request_id"]}"' in page


def test_payments_are_filtered_by_state_and_day(operator: Client, orders: Orders) -> None:
    assert orders
    page = text_of(operator.get("/payments?state=DECLINED"))
    assert "declined-1" in page
    assert "paid-1" not in page
    assert "Nothing was found." in text_of(operator.get("/payments?from=2020-01-01&until=2020-01-02"))
    assert "Write a day as" in text_of(operator.get("/payments?from=yesterday"))
    assert "Choose one of the list." in text_of(operator.get("/payments?state=NONSENSE"))
    disputed = text_of(operator.get("/payments?dispute=some"))
    assert "disputed-1" in disputed
    assert "paid-1" not in disputed
    assert "disputed-1" not in text_of(operator.get("/payments?dispute=none"))
    assert "paid-1" not in text_of(operator.get("/payments?q=paid-1&dispute=OPEN"))


def test_a_search_finds_what_people_know(operator: Client, orders: Orders) -> None:
    assert orders
    found = text_of(operator.get("/payments?q=paid-1"))
    assert "paid-1" in found
    assert "declined-1" not in found

    def by_name() -> bool:
        page = text_of(operator.get("/payments?q=budi+santoso"))
        return "paid-1" in page and "held-1" not in page

    until(by_name, what="the index")
    assert "Name" in text_of(operator.get("/payments?q=budi"))
    assert "Nothing was found." in text_of(operator.get("/payments?q=nobody+at+all"))


def test_a_search_for_a_card_number_is_refused_with_a_sentence(operator: Client, orders: Orders) -> None:
    assert orders
    answer = operator.get("/payments?q=4111111111111111")
    assert answer.status_code == 400
    assert "Something in the form is not right" in text_of(answer)


def test_a_dispute_is_answered_to_the_end(operator: Client, orders: Orders) -> None:
    assert "USD 30.00" in text_of(operator.get("/disputes"))
    page = operator.get(f"/payments/{orders.disputed.payment_id}").content.decode()
    (path,) = set(re.findall(r"/disputes/\w+", page))
    assert "Write the text" in text_of(operator.post(f"{path}/text", form(text=" "), follow=True))
    added = operator.post(f"{path}/text", form(text="It was delivered on Monday."), follow=True)
    assert "The text is added." in text_of(added)
    assert "not sent yet" in text_of(added)
    sent = operator.post(f"{path}/submit", form(), follow=True)
    assert "The evidence is sent to the bank." in text_of(sent)
    assert "With the bank" in text_of(sent)
    assert "Fight it" not in text_of(sent)


def test_a_stored_method_is_deleted_with_a_reason(operator: Client, shop: BayarClient) -> None:
    customer = shop.create_customer(given_name="Ayu", email="ayu@example.com")
    shop.add_payment_method(
        customer_id=customer.customer_id,
        card=card(number="5555555555554444", expiration_month=12, expiration_year=2032, cvv="123"),
    )
    path = f"/customers/{customer.customer_id}"
    page = operator.get(path).content.decode()
    (delete,) = set(re.findall(rf"{path}/methods/\w+/delete", page))
    answer = operator.post(delete, form(), follow=True)
    assert "The payment method is deleted." in text_of(answer)
    assert "Mastercard" not in text_of(answer)


def test_the_overview_counts_each_payment_once_it_is_counted(operator: Client, orders: Orders) -> None:
    assert orders

    def counted() -> bool:
        return "Not enough money" in text_of(operator.get("/"))

    until(counted, what="the statistics")
    answer = operator.get("/")
    page = text_of(answer)
    assert "open disputes" in page
    assert "approved in 14 days" in page
    rows = rows_of(answer, "by-day")
    payments, approved, declined, others = map(int, rows[-1][1:5])
    assert payments == approved + declined + others >= 4
    assert (len(rows), declined >= 1) == (14, True)
    assert rows_of(answer, "on-its-way")[-1][1].startswith("USD ")
    assert rows_of(answer, "disputes")[-1][1].startswith("1: USD 30.00")


def rows_of(answer: Any, name: str) -> list[list[str]]:
    """The table of the chart: the cells of each day."""
    page = answer.content.decode()
    own = page[page.index(f'id="{name}"') :].partition("</section>")[0]
    rows = re.findall(r"<tr>(<th scope=.row.>.*?)</tr>", own, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_each_drawing_has_the_table_of_its_numbers(operator: Client, orders: Orders) -> None:
    assert orders
    page = operator.get("/").content.decode()
    drawing = r'<svg class="chart".*?</svg>\s*<p class="axis".*?</p>\s*(<details>.*?</details>)'
    drawings = re.findall(drawing, page, re.DOTALL)
    assert len(drawings) == page.count('class="chart"') >= 3
    assert all(one.count('<th scope="row">') == 14 for one in drawings)


@pytest.mark.parametrize(("asked", "days"), [("?days=30", 30), ("?days=90", 90), ("?days=1", 14), ("?days=x", 14)])
def test_the_charts_show_as_many_days_as_can_be_chosen(operator: Client, orders: Orders, asked: str, days: int) -> None:
    assert orders
    assert len(rows_of(operator.get(f"/{asked}&currency=%3Cscript%3E"), "by-day")) == days


def test_a_shop_sees_the_charts_of_its_own_payments(shopkeeper: Client, orders: Orders) -> None:
    assert orders
    until(lambda: "Not enough money" in text_of(shopkeeper.get("/")), what="the statistics")


def test_the_reconciliation_compares(operator: Client, orders: Orders) -> None:
    assert orders
    assert re.search(
        r"\d+ transactions of the gateway and \d+ operations were compared",
        text_of(operator.get("/reconcile?hours=24")),
    )


def test_the_books_of_a_month_are_a_file(operator: Client, orders: Orders) -> None:
    this_month = datetime.now(ZoneInfo("Asia/Jakarta")).strftime("%Y-%m")
    answer = operator.get(f"/books?month={this_month}")
    assert answer.headers["content-disposition"] == f'attachment; filename="bayar-{this_month}.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    mine = [row for row in rows if row["payment_id"] == orders.paid.payment_id]
    assert [(row["kind"], row["amount"], row["currency_code"]) for row in mine] == [("CAPTURE", "25.00", "USD")]
    assert (
        list(csv.DictReader(io.StringIO(b"".join(operator.get("/books?month=2024-12").streaming_content).decode())))
        == []
    )
    assert operator.get("/books?month=2026-13").status_code == 400


def test_no_page_loads_from_elsewhere_or_is_kept(operator: Client, orders: Orders) -> None:
    for page in ("/", "/payments", f"/payments/{orders.paid.payment_id}"):
        answer = operator.get(page)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.content.decode())
        assert not re.findall(r"<script>|\son\w+=|style=", answer.content.decode())


def test_every_page_is_there_in_indonesian(operator: Client, orders: Orders) -> None:
    operator.post("/language/setlang/", {"language": "id", "next": "/"})
    page = operator.get(f"/payments/{orders.paid.payment_id}").content.decode()
    assert '<html lang="id">' in page
    assert "Keberadaannya" in page
    assert "sudah dibayar" in page


def test_a_state_that_this_version_does_not_know_is_shown_by_its_name() -> None:
    from bayar_console.words import word

    assert word(PaymentState(77)) == "Unrecognized 77"
