"""The tasks of a support desk in Chromium: each as a person who has the fewest rights for it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bayar import BayarError, PaymentFunds, PaymentMethodState, PaymentState, money
from tests.end_to_end.dispute_steps import PDF
from tests.end_to_end.service import until
from tests.support.desk import ENDPOINT, PERSON, SHOP, Desk, a_reason, this_month, transaction_of
from tests.support.tasks import TASKS


@pytest.fixture(scope="module")
def desk(desk_of_the_console: Desk) -> Desk:
    return desk_of_the_console


class Screen:
    """The console in a browser, where the person of a task has signed in."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._address = address

    def open(self, path: str) -> None:
        self.page.goto(self._address + path)

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def act(self, button: str, why: str = "", **fields: str) -> None:
        """Fills the form of a button, and presses it. fields: by their names in the form."""
        form = self.page.locator("form", has=self.page.get_by_role("button", name=button, exact=True))
        for name, value in fields.items():
            field = form.locator(f"[name={name}]")
            if value == "on":
                field.check()
            elif field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        if why:
            form.locator("[name=reason]").fill(why)
        form.get_by_role("button", name=button, exact=True).click()

    def card(self, text: str) -> Screen:
        """The part of the page about one thing."""
        return _Card(self.page, self._address, text)


class _Card(Screen):
    def __init__(self, page: Page, address: str, text: str) -> None:
        super().__init__(page, address)
        self._card = page.locator("section.card", has_text=text)

    def act(self, button: str, why: str = "", **fields: str) -> None:
        for summary in self._card.locator("summary", has_text=button).all():
            summary.click()
        for name, value in fields.items():
            self._card.locator(f"[name={name}]").fill(value)
        form = self._card.locator("form", has=self.page.get_by_role("button", name=button, exact=True))
        form.locator("[name=reason]").fill(why)
        form.get_by_role("button", name=button, exact=True).click()


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[str, Page]]:
    """A page of each person who has signed in, by their rights."""
    opened: dict[str, Page] = {}
    yield opened
    for page in opened.values():
        page.context.close()


@pytest.fixture
def screen(
    pages: dict[str, Page], browser: Browser, address: str, desk: Desk, request: pytest.FixtureRequest
) -> Screen:
    rights = TASKS[request.node.name.removeprefix("test_")].rights
    if rights not in pages:
        page = browser.new_context().new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{address}/sign-in")
        page.get_by_label("API key").fill(desk.operator(rights))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        pages[rights] = page
    return Screen(pages[rights], address)


def found_by(screen: Screen, words: str, payment_id: str) -> None:
    """Searches until the index has the payment."""

    def look() -> bool:
        screen.open("/payments")
        screen.page.get_by_role("searchbox").fill(words)
        screen.page.keyboard.press("Enter")
        expect(screen.page).to_have_url(re.compile(r"\?q="))
        return bool(screen.page.locator(f"a[href*='{payment_id}']").count() > 0)

    until(look, what=f"{payment_id} among the found")


def test_find_by_name_and_amount(desk: Desk, screen: Screen) -> None:
    customer = desk.shop.create_customer(given_name="Budi", family_name="Hartanto", email="budi@example.com")
    wanted = desk.pay("123.45", customer_id=customer.customer_id)
    other = desk.pay("99.00", customer_id=customer.customer_id)
    found_by(screen, "budi hartanto 123.45", wanted.payment_id)
    assert screen.page.locator(f"a[href*='{other.payment_id}']").count() == 0
    screen.page.get_by_role("link", name=wanted.reference).click()
    screen.sees("USD 123.45 was paid.")


def test_find_by_gateway_id(desk: Desk, screen: Screen) -> None:
    payment = desk.pay()
    found_by(screen, transaction_of(payment), payment.payment_id)


def test_explain_a_decline(desk: Desk, screen: Screen) -> None:
    declined = desk.pay("2001.00")
    screen.open(f"/payments/{declined.payment_id}")
    screen.sees("was declined. Nothing was charged.")
    screen.sees("The account does not have enough money")
    screen.sees("Saldo atau limit Anda tidak mencukupi")


def test_explain_an_authentication_that_was_not_completed(desk: Desk, screen: Screen) -> None:
    payment = desk.not_authenticated()
    screen.open(f"/payments/{payment.payment_id}")
    screen.sees("was declined. Nothing was charged.")
    screen.sees("Authentication failed")
    screen.sees("Tell the customer")


def test_help_after_an_expired_card(desk: Desk, screen: Screen) -> None:
    customer, (old, new) = desk.customer_with_two_cards()
    declined = desk.pay("2004.00", payment_method_id=old, customer_id=customer.customer_id)
    screen.open(f"/payments/{declined.payment_id}")
    screen.sees(re.compile("expired", re.IGNORECASE))
    screen.page.get_by_role("link", name="Dewi Lestari").click()
    why = a_reason()
    screen.card("4444").act("Make it the default", why)
    screen.sees("The payment method is the default now.")
    desk.audited(why)
    assert desk.shop.get_customer(customer_id=customer.customer_id).default_payment_method_id == new


def test_give_back_a_double_charge(desk: Desk, screen: Screen) -> None:
    customer = desk.shop.create_customer(given_name="Ratna", family_name="Sari", email="ratna@example.com")
    first, second = (desk.pay(customer_id=customer.customer_id) for _ in range(2))
    screen.open(f"/customers/{customer.customer_id}")
    screen.sees(first.reference)
    screen.page.get_by_role("link", name=second.reference).click()
    why = a_reason()
    screen.act("Refund", why)
    screen.sees("USD 25.00 is given back.")
    assert desk.acts_of(second.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(second.payment_id).funds is PaymentFunds.RETURNED
    assert desk.now(first.payment_id).refundable_amount == money("25.00", "USD")


def test_refund_half(desk: Desk, screen: Screen) -> None:
    payment = desk.settled("25.00")
    screen.open(f"/payments/{payment.payment_id}")
    why = a_reason()
    screen.act("Refund", why, amount="12.50")
    screen.sees("USD 12.50 is given back.")
    screen.sees("USD 25.00 was paid, and USD 12.50 given back.")
    assert desk.acts_of(payment.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(payment.payment_id).refunded_amount == money("12.50", "USD")


def test_tell_where_a_refund_is(desk: Desk, screen: Screen) -> None:
    settled = desk.settled("25.00")
    waiting = desk.pay("25.00")
    for payment in (settled, waiting):
        desk.shop.refund_payment(payment_id=payment.payment_id, amount=money("5.00", "USD"))
    screen.open(f"/payments/{waiting.payment_id}")
    screen.sees("sent as soon as the payment has settled")
    screen.open(f"/payments/{settled.payment_id}")
    screen.sees("on its way to the customer's bank")
    desk.pair.twin.control.settle()
    screen.act("Compare with the gateway")
    screen.sees(re.compile(r"USD 5\.00 · Done · Settled \d+ \w+ 20\d\d"))


def test_verify_whether_the_money_came(desk: Desk, screen: Screen) -> None:
    payment = desk.pay()
    desk.pair.twin.control.settle()
    screen.open(f"/payments/{payment.payment_id}")
    screen.act("Compare with the gateway")
    screen.sees(re.compile("The gateway knew more, and the payment is corrected|The gateway says the same"))
    screen.sees("Settled with the gateway")
    assert desk.now(payment.payment_id).state is PaymentState.SETTLED


def test_capture_a_part(desk: Desk, screen: Screen) -> None:
    payment = desk.hold("50.00")
    screen.open(f"/payments/{payment.payment_id}")
    why = a_reason()
    screen.act("Capture", why, amount="30.00", option="on")
    screen.sees("USD 30.00 is captured, and the rest is released.")
    assert desk.acts_of(payment.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    now = desk.now(payment.payment_id)
    assert (now.captured_amount, now.capturable_amount.minor_units) == (money("30.00", "USD"), 0)


def test_adjust_a_hold(desk: Desk, screen: Screen) -> None:
    payment = desk.hold("50.00")
    screen.open(f"/payments/{payment.payment_id}")
    why = a_reason()
    screen.act("Change the hold", why, amount="62.00")
    screen.sees("USD 62.00 is held now.")
    assert desk.acts_of(payment.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(payment.payment_id).authorized_amount == money("62.00", "USD")


def test_void_a_hold(desk: Desk, screen: Screen) -> None:
    payment = desk.hold("50.00")
    screen.open(f"/payments/{payment.payment_id}")
    why = a_reason()
    screen.act("Void", why)
    screen.sees("The payment is voided.")
    assert desk.acts_of(payment.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(payment.payment_id).state is PaymentState.VOIDED


def test_fight_a_dispute(desk: Desk, screen: Screen, tmp_path: Path) -> None:
    dispute = desk.dispute()
    screen.open("/disputes")
    screen.page.locator(f"a[href='/disputes/{dispute.dispute_id}']").click()
    screen.sees(re.compile(r"answer by \d+ \w+ 20\d\d"))
    screen.act("Add the text", a_reason(), text="The parcel was signed for.")
    screen.sees("The text is added.")
    note = tmp_path / "delivery note.pdf"
    note.write_bytes(PDF)
    screen.page.locator("input[type=file]").set_input_files(note)
    screen.act("Add the file", a_reason())
    screen.sees("delivery note.pdf")
    why = a_reason()
    screen.act("Send to the bank", why)
    screen.sees("The evidence is sent to the bank.")
    desk.audited(why)
    desk.bank_decides(dispute, "won")

    def is_won() -> bool:
        screen.open(f"/disputes/{dispute.dispute_id}")
        return "Won" in screen.page.locator(".headline").inner_text()

    until(is_won, what="the bank's decision")


def test_lift_a_block(desk: Desk, screen: Screen) -> None:
    address = desk.blocked_address()
    with pytest.raises(BayarError, match="TOO_MANY_DECLINES"):
        desk.pay(client_address=address)
    screen.open("/blocks")
    why = a_reason()
    screen.card(address).act("Lift the block", why)
    screen.sees("The block is lifted.")
    desk.audited(why)
    assert desk.pay(client_address=address).state is PaymentState.CAPTURED


def test_resolve_an_unknown_outcome(desk: Desk, screen: Screen) -> None:
    payment = desk.unknown()
    screen.open("/work")
    why = a_reason()
    screen.card(payment.payment_id).act("Resolve", why)
    screen.sees(f"The payment {payment.payment_id} is CAPTURED now.")
    desk.audited(why)
    assert desk.now(payment.payment_id).state is PaymentState.CAPTURED


def test_mend_a_difference(desk: Desk, screen: Screen) -> None:
    transaction_id, other = desk.orphan(), desk.orphan()
    screen.open("/reconcile")
    screen.act("Compare", hours="24")
    why = a_reason()
    screen.card(transaction_id).act("Give it back", why)
    screen.sees("USD 77.00 is given back.")
    desk.audited(why, caller="")
    assert desk.at_gateway(transaction_id) == "voided"
    assert desk.at_gateway(other) == "submitted_for_settlement"
    assert screen.page.locator("section.card", has_text=transaction_id).count() == 0


def test_send_a_webhook_again(desk: Desk, screen: Screen) -> None:
    event_id = desk.dead_letter()
    before = desk.times_sent(event_id)
    screen.open("/webhooks")
    screen.page.get_by_role("checkbox", name=event_id).check()
    why = a_reason()
    screen.card(ENDPOINT).act("Send again", why)
    screen.sees("1 of the chosen events will be sent again.")
    desk.audited(why)
    until(lambda: desk.times_sent(event_id) > before, what="the webhook")


def test_erase_a_customer(desk: Desk, screen: Screen) -> None:
    customer, methods = desk.customer_with_two_cards()
    payment = desk.pay(payment_method_id=methods[0], customer_id=customer.customer_id)
    screen.open(f"/customers/{customer.customer_id}")
    why = a_reason()
    screen.page.get_by_text("Erase this customer").click()
    screen.act("Erase for good", why)
    screen.sees("The customer is erased. Payments stay.")
    desk.audited(why)
    erased = desk.shop.get_customer(customer_id=customer.customer_id)
    assert (erased.email, erased.family_name, erased.delete_time is not None) == ("", "", True)
    method = desk.shop.get_payment_method(payment_method_id=methods[0])
    assert method.state is PaymentMethodState.DELETED
    assert desk.now(payment.payment_id).state is PaymentState.CAPTURED


def test_tell_who_did_it(desk: Desk, screen: Screen) -> None:
    payment = desk.hold()
    why = a_reason()
    with desk.as_operator("read,void") as siti:
        siti.void_payment(payment_id=payment.payment_id, on_behalf_of=SHOP, reason=why)
    screen.open(f"/payments/{payment.payment_id}")
    screen.sees(f"{PERSON} for {SHOP}: {why}")


def test_export_the_month(desk: Desk, screen: Screen, tmp_path: Path) -> None:
    payment = desk.settled("31.00")
    screen.open("/books")
    screen.act("Compare")
    screen.sees("sums compared")
    screen.open("/books")
    screen.page.get_by_label("Month").fill(this_month("Asia/Jakarta")["month"])
    with screen.page.expect_download() as download:
        screen.page.get_by_role("button", name="Download").click()
    file = tmp_path / "month.csv"
    download.value.save_as(file)
    with file.open() as rows:
        mine = [row for row in csv.DictReader(rows) if row["payment_id"] == payment.payment_id]
    assert [(row["kind"], row["amount"], row["net_amount"]) for row in mine] == [
        ("CAPTURE", "31.00", "31.00"),
        ("SETTLEMENT", "31.00", "0.00"),
    ]
