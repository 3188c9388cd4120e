"""The page at /_twin/: what it shows, and what its forms do. It needs no JavaScript."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from twin_sdk import sale

from braintree_twin.sdk_twin import SdkTwin, run_sdk_twin


class Forms(HTMLParser):
    """The fields and buttons of each form of a page, and the page's text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.text = ""
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attributes}
        if tag == "form":
            assert (known["method"], known["action"]) == ("post", "page")
            self.forms.append({})
        elif tag in ("input", "select", "button") and "name" in known:
            self.forms[-1][known["name"]] = known.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text += data


class Page:
    def __init__(self, twin: SdkTwin) -> None:
        parts = urlsplit(twin.url)
        context = ssl.create_default_context(cafile=str(twin.ca_file))
        self._connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)
        self._origin = twin.url

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str, str]:
        given = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._origin, **headers}
        self._connection.request(method, path, body, given)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("Location", "")

    def show(self) -> Forms:
        status, text, _ = self.ask("GET", "/_twin/")
        assert status == 200
        return Forms(text)

    def submit(self, action: str, **fields: str) -> None:
        """Fill in the form with this button as a person would, and send it."""
        form = next(form for form in self.show().forms if form.get("action") == action)
        assert fields.keys() <= form.keys()
        status, text, location = self.ask("POST", "/_twin/page", urlencode({**form, **fields}))
        assert (status, location) == (303, "/_twin/"), text

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkTwin]:
    folder: Path = tmp_path_factory.mktemp("page")
    with run_sdk_twin(folder) as running:
        yield running


@pytest.fixture
def page(twin: SdkTwin) -> Iterator[Page]:
    twin.reset()
    shown = Page(twin)
    yield shown
    shown.close()


def test_an_empty_twin_says_so(page: Page) -> None:
    text = page.show().text
    for sentence in ("No transactions.", "No notifications.", "No faults are on.", "No merchant has an address."):
        assert sentence in text
    assert page.ask("GET", "/_twin")[::2] == (308, "/_twin/")


def test_a_transaction_is_shown_and_settled(page: Page, twin: SdkTwin) -> None:
    gateway = twin.gateway()
    sold = sale(gateway, order_id="<b>{{traffic}}", amount="12.34", options={"submit_for_settlement": True})
    other = sale(gateway, amount="12.35", options={"submit_for_settlement": True})
    shown = page.show()
    for text in (
        sold.id,
        "12.34",
        "USD",
        "Visa 1111",
        "submitted_for_settlement",
        "<b>{{traffic}}",
        "POST /transactions",
    ):
        assert text in shown.text
    page.submit("settle_one", transaction_id=sold.id, status="settlement_declined")
    assert gateway.transaction.find(sold.id).status == "settlement_declined"
    page.submit("settle")
    assert gateway.transaction.find(other.id).status == "settled"
    assert not any(form.get("action") == "settle_one" for form in page.show().forms)


def test_the_clock_is_moved(page: Page, twin: SdkTwin) -> None:
    held = sale(twin.gateway())
    page.submit("advance", number="8", unit="d")
    assert "8 days ahead" in page.show().text
    assert twin.gateway().transaction.find(held.id).status == "authorization_expired"


def test_faults_are_switched_on_and_off(page: Page, twin: SdkTwin) -> None:
    page.submit("add_fault", fault="status", method="POST", path="/transactions", next="2", status="503")
    (rule,) = twin.control.faults()
    assert "method POST, path /transactions" in page.show().text
    page.submit("delete_fault", id=str(rule.id))
    assert twin.control.faults() == []
    for _ in range(2):
        page.submit("add_fault", fault="garbage")
    page.submit("clear_faults")
    assert twin.control.faults() == []


def test_an_address_of_webhooks_is_set_and_notifications_are_shown(page: Page, twin: SdkTwin) -> None:
    page.submit("webhooks", merchant_id="twin_merchant", url="http://127.0.0.1:9/hooks")
    twin.control.send_webhook("check", "x")
    text = page.show().text
    assert "twin_merchant: http://127.0.0.1:9/hooks" in text
    assert "check" in text
    page.submit("webhooks", merchant_id="twin_merchant", url="")
    assert "No merchant has an address." in page.show().text


def test_reset_brings_everything_back_to_the_seed(page: Page, twin: SdkTwin) -> None:
    sale(twin.gateway())
    page.submit("reset")
    assert "No transactions." in page.show().text


def test_an_invalid_field_is_named(page: Page) -> None:
    form = urlencode({"action": "add_fault", "fault": "delay"})
    status, text, _ = page.ask("POST", "/_twin/page", form)
    assert status == 400
    assert "seconds" in Forms(text).text
    assert page.ask("POST", "/_twin/page", "action=nothing")[0] == 400


def test_pages_of_other_origins_may_not_change_the_twin(page: Page, twin: SdkTwin) -> None:
    form = urlencode({"action": "add_fault", "fault": "garbage"})
    assert page.ask("POST", "/_twin/page", form, Origin="https://evil.example")[0] == 403
    assert page.ask("POST", "/_twin/page", form, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert twin.control.faults() == []
