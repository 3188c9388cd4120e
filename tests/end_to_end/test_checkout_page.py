"""The checkout page over HTTP, against a real twin: paid once, whatever the shopper and the network do."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import bayar as with_models
from adapters.checkout.texts import all_texts
from bayar.messages import BayarClient, Payment, PaymentState, money
from bayar.payments.v1.checkout_pb2 import CheckoutLine, CheckoutMethod
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.checkout_steps import (
    NONCE,
    OTHER_NONCE,
    SUCCESS,
    Shopper,
    a_checkout,
    at_page,
    page_settings,
    shown_state,
    state_of,
)
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.service import Pair, until


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return page_settings(BAYAR_CHECKOUT_SHOP_NAME="Kopi <Tenang>", BAYAR_ABSENCE_HORIZON_SECONDS="2")


def payments_of(bayar: BayarClient, reference: str) -> list[Payment]:
    return list(bayar.list_payments(reference=reference))


def test_the_page_shows_the_order_and_takes_the_payment(bayar: BayarClient) -> None:
    lines = [
        CheckoutLine(description="Kopi & <b>Susu</b>", quantity=2, amount=money("22.00", "USD")),
        CheckoutLine(description="Shipping", amount=money("3.00", "USD")),
    ]
    checkout = a_checkout(bayar, lines=lines, cancel_url="https://shop.example/cart", metadata={"basket": "7"})
    shopper = Shopper(checkout.url)
    page = shopper.open()
    assert (page.status, shown_state(page)) == (200, "open")
    assert "2 \u00d7 Kopi &amp; &lt;b&gt;Susu&lt;/b&gt;" in page.body
    assert "Kopi &lt;Tenang&gt;" in page.body
    assert "USD\u00a025.00" in page.body
    assert 'href="https://shop.example/cart"' in page.body
    assert NONCE not in page.body
    paid = shopper.pay()
    assert (paid.status, paid.state) == (200, "paid")
    assert state_of(bayar, checkout) == "COMPLETED"
    (payment,) = payments_of(bayar, checkout.reference)
    assert (payment.state, dict(payment.metadata)) == (PaymentState.PAYMENT_STATE_CAPTURED, {"basket": "7"})
    returned = paid.json["return_url"]
    assert returned.startswith(f"{SUCCESS}&bayar_checkout_id={checkout.checkout_id}&")
    assert parse_qs(urlsplit(returned).query)["bayar_payment_id"] == [payment.payment_id]


def test_a_reload_after_the_payment_shows_it_and_leads_back(bayar: BayarClient) -> None:
    shopper = at_page(a_checkout(bayar))
    shopper.pay()
    page = shopper.open()
    assert shown_state(page) == "paid"
    assert "bayar_signature=" in page.body
    assert 'id="payment"' not in page.body
    assert shopper.pay(OTHER_NONCE).state == "paid"
    assert shopper.status().state == "paid"


def test_a_decline_says_so_in_the_shoppers_language_and_may_be_tried_again(bayar: BayarClient) -> None:
    checkout = a_checkout(bayar, "2001.00")
    shopper = at_page(checkout)
    declined = shopper.pay()
    assert (declined.status, declined.state, declined.json["attempt"]) == (200, "declined", 2)
    assert "funds" in declined.json["message"]
    assert shown_state(shopper.open()) == "declined"
    in_indonesian = Shopper(checkout.url, language="id-ID,id;q=0.9,en;q=0.5")
    page = in_indonesian.open()
    assert '<html lang="id" dir="ltr">' in page.body
    assert "Saldo atau limit Anda tidak mencukupi" in page.body
    assert "USD\u00a02.001,00" in page.body
    assert in_indonesian.pay().json["attempt"] == 3
    assert len(payments_of(bayar, checkout.reference)) == 2


def test_the_language_of_the_checkout_comes_before_the_browsers_and_the_links_before_both(bayar: BayarClient) -> None:
    checkout = a_checkout(bayar, "25000", "IDR", language_code="id")
    shopper = Shopper(checkout.url, language="en")
    assert '<html lang="id"' in (page := shopper.open()).body
    assert "Rp\u00a025.000<" in page.body
    assert '<html lang="en"' in shopper.open("?lang=en").body
    assert '<html lang="id"' in shopper.open("?lang=zz").body


def test_a_double_click_and_a_second_tab_pay_once(bayar: BayarClient) -> None:
    checkout = a_checkout(bayar)
    tabs = [at_page(checkout) for _ in range(6)]
    with ThreadPoolExecutor(len(tabs)) as pool:
        answers = list(pool.map(lambda tab: tab[1].pay((NONCE, OTHER_NONCE)[tab[0] % 2]), enumerate(tabs)))
    assert {answer.status for answer in answers} == {200}
    assert {answer.state for answer in answers} <= {"paid", "pending"}
    assert until(lambda: tabs[0].status().state == "paid")
    assert len(payments_of(bayar, checkout.reference)) == 1


def test_an_old_attempt_changes_nothing(bayar: BayarClient) -> None:
    checkout = a_checkout(bayar, "2001.00")
    shopper = at_page(checkout)
    shopper.pay()
    for attempt in (1, 3, 1_000_000):
        answer = shopper.post("pay", {"attempt": attempt, "nonce": OTHER_NONCE})
        assert (answer.state, answer.json["attempt"]) == ("declined", 2)
    assert len(payments_of(bayar, checkout.reference)) == 1


def test_an_unknown_outcome_asks_not_to_pay_again_and_resolves_by_itself(bayar: BayarClient, pair: Pair) -> None:
    checkout = a_checkout(bayar)
    shopper = at_page(checkout)
    pair.twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
    pending = shopper.pay()
    if pending.state == "pending":
        assert "do not pay again" in pending.json["message"]
        assert pending.json["check_after_seconds"] == 2
        assert shopper.pay(OTHER_NONCE).state in ("pending", "paid")
    assert until(lambda: shopper.status().state == "paid")
    assert len(payments_of(bayar, checkout.reference)) == 1


def test_a_payment_that_never_arrived_may_be_tried_again(bayar: BayarClient, pair: Pair) -> None:
    checkout = a_checkout(bayar)
    shopper = at_page(checkout)
    pair.twin.control.add_fault("reset_before", method="POST", path="/transactions", next=1)
    shopper.pay()
    until(lambda: shopper.status().state != "pending", seconds=30)
    answer = shopper.status()
    assert answer.state == "declined"
    assert "not charged" in answer.json["message"]
    shopper.attempt = answer.json["attempt"]
    assert shopper.pay().state == "paid"


def test_an_ended_checkout_takes_no_payment(bayar: BayarClient) -> None:
    checkout = a_checkout(bayar)
    shopper = at_page(checkout)
    bayar.expire_checkout(checkout_id=checkout.checkout_id)
    assert shopper.pay().state == "expired"
    assert shown_state(shopper.open()) == "expired"
    assert payments_of(bayar, checkout.reference) == []


def test_a_payment_link_pays_once_in_each_browser_up_to_its_limit(bayar: BayarClient) -> None:
    link = a_checkout(bayar, max_uses=2)
    first, second, third = (at_page(link) for _ in range(3))
    assert [shopper.pay().state for shopper in (first, first, second)] == ["paid", "paid", "paid"]
    assert third.pay().state == "used_up"
    assert (first.status().state, third.status().state) == ("paid", "used_up")
    assert shown_state(Shopper(link.url).open()) == "used_up"
    assert state_of(bayar, link) == "COMPLETED"
    assert len(list(bayar.list_payments(reference_contains=link.reference))) == 2


def test_a_stored_method_pays_and_a_new_one_is_stored_with_consent(bayar: BayarClient) -> None:
    customer = bayar.create_customer(given_name="Sari").customer_id
    method = bayar.add_payment_method(customer_id=customer, card=a_card())
    shopper = at_page(a_checkout(bayar, customer_id=customer))
    page = shopper.open()
    assert f'value="{method.payment_method_id}" checked' in page.body
    assert "Visa ending in 1111, valid until 12/" in page.body
    assert 'id="save"' not in page.body
    assert shopper.pay(payment_method_id=method.payment_method_id).state == "paid"
    offered = at_page(a_checkout(bayar, customer_id=customer, offer_storing=True))
    assert 'type="checkbox" id="save"' in offered.open().body
    assert offered.pay(OTHER_NONCE, save=True).state == "paid"
    assert len(list(bayar.list_payment_methods(customer_id=customer))) == 2


def test_consent_without_an_offer_stores_nothing(bayar: BayarClient) -> None:
    customer = bayar.create_customer(given_name="Sari").customer_id
    assert at_page(a_checkout(bayar, customer_id=customer)).pay(save=True).state == "paid"
    assert list(bayar.list_payment_methods(customer_id=customer)) == []


def test_another_customers_method_does_not_pay(bayar: BayarClient) -> None:
    theirs = bayar.add_payment_method(customer_id=bayar.create_customer().customer_id, card=a_card())
    checkout = a_checkout(bayar, customer_id=bayar.create_customer().customer_id)
    answer = at_page(checkout).pay(payment_method_id=theirs.payment_method_id)
    assert answer.state == "open"
    assert "choose another" in answer.json["message"]
    only_card = a_checkout(bayar, methods=[CheckoutMethod.CHECKOUT_METHOD_CARD])
    assert at_page(only_card).pay(payment_method_id=theirs.payment_method_id).state == "open"


def test_a_page_without_a_usable_way_to_pay_says_so(bayar: BayarClient) -> None:
    customer = bayar.create_customer().customer_id
    checkout = a_checkout(bayar, customer_id=customer, methods=[CheckoutMethod.CHECKOUT_METHOD_STORED])
    page = at_page(checkout).open().body
    assert "There is no way to pay here" in page
    assert 'data-card="false"' in page
    wallet = at_page(a_checkout(bayar, methods=[CheckoutMethod.CHECKOUT_METHOD_APPLE_PAY])).open().body
    assert 'id="apple-pay"' in wallet
    assert "/apple-pay.min.js" in wallet
    assert 'id="paypal"' not in wallet
    assert 'id="paypal"' in at_page(a_checkout(bayar, methods=[CheckoutMethod.CHECKOUT_METHOD_PAYPAL])).open().body


def test_every_text_of_the_page_is_there_in_each_language() -> None:
    english, indonesian = (all_texts()[locale].by_name for locale in ("en", "id"))
    assert set(english) == set(indonesian)
    for name, text in english.items():
        assert text.count("{") == indonesian[name].count("{"), name


def test_an_order_that_was_paid_elsewhere_is_not_paid_again(bayar: BayarClient) -> None:
    checkout = a_checkout(bayar)
    shopper = at_page(checkout)
    pay(bayar, reference=checkout.reference)
    answer = shopper.pay()
    assert answer.state == "already_paid"
    assert "do not pay again" in answer.json["message"]
    page = shopper.open()
    assert shown_state(page) == "already_paid"
    assert 'id="payment"' not in page.body


def test_the_client_token_comes_by_a_request_of_its_own(bayar: BayarClient) -> None:
    shopper = at_page(a_checkout(bayar))
    token = shopper.post("client-token", {}).json["client_token"]
    assert len(token) > 100
    assert token not in shopper.open().body
    shopper.pay()
    assert "client_token" not in shopper.post("client-token", {}).json


def test_a_stored_card_has_a_nonce_for_authentication_and_others_have_none(bayar: BayarClient) -> None:
    customer = bayar.create_customer().customer_id
    method = bayar.add_payment_method(customer_id=customer, card=a_card())
    shopper = at_page(a_checkout(bayar, customer_id=customer))
    made = shopper.post("method-nonce", {"payment_method_id": method.payment_method_id})
    assert (made.status, made.json["bin"]) == (200, "411111")
    stranger = at_page(a_checkout(bayar, customer_id=bayar.create_customer().customer_id))
    assert stranger.post("method-nonce", {"payment_method_id": method.payment_method_id}).status == 404
    assert (
        at_page(a_checkout(bayar)).post("method-nonce", {"payment_method_id": method.payment_method_id}).status == 404
    )


def test_the_page_of_the_documentation_does_what_it_says(bayar: BayarClient, pair: Pair) -> None:
    page = (Path(__file__).parents[2] / "docs" / "integrate" / "checkout.md").read_text("utf-8")
    create, back = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    with with_models.BayarClient(pair.service.address) as client:
        names: dict[str, Any] = {"bayar": client}
        exec(create, names)  # noqa: S102 (the page's own code)
        checkout = bayar.get_checkout(checkout_id=names["checkout"].checkout_id)
        paid = at_page(checkout).pay()
        assert paid.state == "paid"
        query = urlsplit(paid.json["return_url"]).query
        exec(back.replace('"bayar_checkout_id=..."', repr(query)), names)  # noqa: S102 (the page's own code)
    assert names["result"].checkout_id == checkout.checkout_id
    assert names["paid"] is True


def test_the_command_line_lists_shows_and_ends_checkouts(bayar: BayarClient, pair: Pair) -> None:
    cli = CommandLine(pair.service.address)
    checkout = a_checkout(bayar)
    assert checkout.checkout_id in cli.out("checkouts", "list", "--reference", checkout.reference, "--state", "open")
    shown = cli.out("checkouts", "show", checkout.checkout_id)
    assert "USD 25.00" in shown
    assert checkout.url in cli.out("checkouts", "show", checkout.checkout_id, "--json")
    assert "EXPIRED" in cli.out("checkouts", "expire", checkout.checkout_id, "--yes")
    assert state_of(bayar, checkout) == "EXPIRED"
