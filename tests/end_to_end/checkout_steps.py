"""A shopper at the checkout page without a browser: requests, cookies and states."""

from __future__ import annotations

import http.client
import json
import re
import socket
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from bayar.messages import BayarClient, money
from bayar.payments.v1.checkout_pb2 import Checkout, CheckoutState
from tests.end_to_end.payment_steps import an_order

SUCCESS: Final = "https://shop.example/paid?order=7"
NONCE: Final = "fake-valid-visa-nonce"
OTHER_NONCE: Final = "fake-valid-mastercard-nonce"
_CSRF: Final = re.compile(r'<meta name="checkout-csrf" content="([0-9a-f]{64})">')
_STATE: Final = re.compile(r'data-state="(\w+)" data-attempt="(\d+)"')


def page_settings(**more: str) -> dict[str, str]:
    """The settings of a page on a free port, which stays the same after a restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "BAYAR_CHECKOUT_ADDRESS": f"127.0.0.1:{port}",
        "BAYAR_CHECKOUT_BASE_URL": f"http://127.0.0.1:{port}",
        "BAYAR_CHECKOUT_ATTEMPTS_PER_MINUTE": "1000",
        "BAYAR_CHECKOUT_ATTEMPTS_PER_LINK": "1000",
        **more,
    }


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def state(self) -> str:
        return str(self.json["state"])


@dataclass(slots=True)
class Shopper:
    """One browser. It knows what the page gave it."""

    url: str
    cookie: str = ""
    request_token: str = ""
    attempt: int = 1
    language: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
            connection.request(method, path, body, {**sent, **self.headers})
            answer = connection.getresponse()
            text = answer.read().decode()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
        finally:
            connection.close()

    def open(self, query: str = "") -> Answer:
        """Loads the page, as a browser does: it keeps cookie, token and attempt."""
        answer = self.send("GET", self.path + query, Cookie=self.cookie, Accept_Language=self.language)
        if answer.status == 200:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
            self.request_token = _CSRF.findall(answer.body)[0]
            self.attempt = int(_STATE.findall(answer.body)[0][1])
        return answer

    def post(self, action: str, body: object, **headers: str) -> Answer:
        sent = {
            "Origin": self.origin,
            "Cookie": self.cookie,
            "X_Checkout_Token": self.request_token,
            "Content_Type": "application/json",
            "Accept_Language": self.language,
            **headers,
        }
        return self.send("POST", f"{self.path}/{action}", json.dumps(body).encode(), **sent)

    def pay(self, nonce: str = NONCE, **more: Any) -> Answer:
        source = {} if "payment_method_id" in more else {"nonce": nonce}
        answer = self.post("pay", {"attempt": self.attempt, **source, **more})
        if answer.status == 200:
            self.attempt = answer.json["attempt"]
        return answer

    def status(self) -> Answer:
        return self.send("GET", f"{self.path}/status", Cookie=self.cookie, Accept_Language=self.language)


def shown_state(page: Answer) -> str:
    return str(_STATE.findall(page.body)[0][0])


def a_checkout(bayar: BayarClient, amount: str = "25.00", currency: str = "USD", **more: Any) -> Checkout:
    wanted = {"reference": an_order(), "amount": money(amount, currency), "success_url": SUCCESS, **more}
    return bayar.create_checkout(**wanted)


def at_page(checkout: Checkout) -> Shopper:
    """A shopper who has the page open."""
    shopper = Shopper(checkout.url)
    assert shopper.open().status == 200
    return shopper


def state_of(bayar: BayarClient, checkout: Checkout) -> str:
    found = bayar.get_checkout(checkout_id=checkout.checkout_id)
    return CheckoutState.Name(found.state).removeprefix("CHECKOUT_STATE_")
