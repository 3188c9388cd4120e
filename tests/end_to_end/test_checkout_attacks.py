"""Hostile requests to the checkout page: nothing is paid, nothing is given away, and the service goes on."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bayar.messages import BayarClient
from tests.end_to_end.checkout_steps import NONCE, Shopper, a_checkout, at_page, page_settings, state_of
from tests.end_to_end.service import Pair, running_pair

EMBEDDED = "https://shop.example"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return page_settings()


def paying(shopper: Shopper) -> dict[str, object]:
    return {"attempt": shopper.attempt, "nonce": NONCE}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1", "https://127.0.0.1:8082"])
def test_a_page_of_another_origin_pays_nothing(bayar: BayarClient, origin: str) -> None:
    checkout = a_checkout(bayar)
    shopper = at_page(checkout)
    answer = shopper.post("pay", paying(shopper), Origin=origin)
    assert (answer.status, answer.state) == (403, "error")
    assert state_of(bayar, checkout) == "OPEN"


@pytest.mark.parametrize(
    "changes",
    [
        {"X_Checkout_Token": ""},
        {"X_Checkout_Token": "0" * 64},
        {"X_Checkout_Token": "\u00e9"},
        {"Cookie": ""},
        {"Cookie": "bayar_checkout=" + "A" * 22},
        {"Cookie": "bayar_checkout=short"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_request_that_no_page_of_this_checkout_sent_pays_nothing(bayar: BayarClient, changes: dict[str, str]) -> None:
    checkout = a_checkout(bayar)
    shopper = at_page(checkout)
    answer = shopper.post("pay", paying(shopper), **changes)
    assert answer.status in (403, 415)
    assert state_of(bayar, checkout) == "OPEN"


def test_the_page_of_one_checkout_cannot_pay_another(bayar: BayarClient) -> None:
    mine, theirs = a_checkout(bayar), a_checkout(bayar)
    shopper = at_page(mine)
    other = Shopper(theirs.url, cookie=shopper.cookie, request_token=shopper.request_token)
    assert other.post("pay", paying(shopper)).status == 403
    assert state_of(bayar, theirs) == "OPEN"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"attempt": "1", "nonce": "n"}',
        b'{"attempt": true, "nonce": "n"}',
        b'{"attempt": 0, "nonce": "n"}',
        b'{"attempt": 1e3, "nonce": "n"}',
        b'{"attempt": 1, "nonce": ["n"]}',
        b'{"attempt": 1, "nonce": "n", "save": "yes"}',
        b'{"attempt": 1, "nonce": {"$gt": ""}}',
        b"[" * 50_000,
    ],
)
def test_a_body_that_is_none_is_refused(bayar: BayarClient, body: bytes) -> None:
    shopper = at_page(a_checkout(bayar))
    headers = {
        "Origin": shopper.origin,
        "Cookie": shopper.cookie,
        "X_Checkout_Token": shopper.request_token,
        "Content_Type": "application/json",
    }
    answer = shopper.send("POST", f"{shopper.path}/pay", body, **headers)
    assert (answer.status, answer.state) == (400, "error")


@pytest.mark.parametrize(
    "body",
    [
        {"nonce": "n", "payment_method_id": "pm_" + "0" * 26},
        {},
        {"nonce": "n" * 5000},
        {"nonce": "\u0000"},
        {"nonce": "4111111111111111\n"},
        {"payment_method_id": "' OR 1=1 --"},
        {"nonce": NONCE, "device_data": "x" * 5000},
        {"nonce": "\ud800"},
    ],
)
def test_a_wish_that_makes_no_sense_pays_nothing(bayar: BayarClient, body: dict[str, str]) -> None:
    checkout = a_checkout(bayar)
    shopper = at_page(checkout)
    answer = shopper.post("pay", {"attempt": 1, **body})
    assert answer.status in (200, 400)
    assert answer.state in ("open", "error")
    assert state_of(bayar, checkout) == "OPEN"


def test_a_large_body_is_refused_unread(bayar: BayarClient) -> None:
    shopper = at_page(a_checkout(bayar))
    answer = shopper.post("pay", {"attempt": 1, "nonce": NONCE, "padding": "x" * 70_000})
    assert answer.status == 413


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/c",
        "/c/",
        "/c/" + "A" * 32,
        "/c/" + "A" * 5000,
        "/c/%2e%2e/metrics",
        "/c/..%2f..%2fetc/passwd",
        "/metrics",
        "/healthz",
        "/webhooks/braintree",
        "/assets/../server.py",
        "/assets/%00",
        "/c/%ff%fe" + "A" * 30,
    ],
)
def test_another_address_gives_nothing_away(bayar: BayarClient, path: str) -> None:
    shopper = Shopper(a_checkout(bayar).url)
    answer = shopper.send("GET", path)
    assert answer.status == 404
    assert "Content-Security-Policy".lower() in answer.headers
    assert "set-cookie" not in answer.headers


def test_all_unknown_checkouts_look_the_same(bayar: BayarClient) -> None:
    url = urlsplit(a_checkout(bayar).url)
    shopper = Shopper(url.geturl())
    unknown = {shopper.send("GET", f"/c/{letter * 32}").body for letter in "abc"}
    assert len(unknown) == 1
    assert {shopper.send("GET", f"/c/{'a' * 32}/status").status for _ in range(2)} == {404}


def test_every_answer_has_the_headers_that_protect_it(bayar: BayarClient) -> None:
    shopper = at_page(a_checkout(bayar))
    for answer in (shopper.open(), shopper.status(), shopper.pay(), shopper.send("GET", "/nowhere")):
        headers = answer.headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
        assert "unsafe-eval" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "strict-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_the_page_holds_no_inline_script_and_its_files_are_small(bayar: BayarClient) -> None:
    shopper = at_page(a_checkout(bayar))
    page = shopper.open()
    scripts = [piece.partition(">")[0] for piece in page.body.split("<script")[1:]]
    assert all("src=" in one or 'type="application/json"' in one for one in scripts)
    assert "javascript:" not in page.body
    assert " on" not in "".join(piece.partition(">")[0] for piece in page.body.split("<")).replace(" only", "")
    own = [one.partition('src="')[2].partition('"')[0] for one in scripts if 'src="/assets/' in one]
    own += [piece.partition('"')[0] for piece in page.body.split('href="')[1:] if piece.startswith("/assets/")]
    files = [shopper.send("GET", path) for path in own]
    assert {file.status for file in files} == {200}
    assert all("immutable" in file.headers["cache-control"] for file in files)
    assert sum(len(file.body) for file in files) + len(page.body) < 100_000


def test_the_cookie_is_of_one_checkout_and_out_of_scripts_reach(bayar: BayarClient) -> None:
    shopper = Shopper(a_checkout(bayar).url)
    cookie = shopper.open().headers["set-cookie"]
    assert f"Path={shopper.path}; HttpOnly; SameSite=Lax" in cookie


def test_a_shopper_who_sends_slowly_does_not_stop_the_others(bayar: BayarClient) -> None:
    checkout = a_checkout(bayar)
    address = urlsplit(checkout.url)
    slow = [socket.create_connection((address.hostname or "", address.port or 0)) for _ in range(150)]
    try:
        for one in slow:
            one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")
        assert at_page(checkout).pay().state == "paid"
    finally:
        for one in slow:
            one.close()


def test_garbage_is_no_request(bayar: BayarClient) -> None:
    address = urlsplit(a_checkout(bayar).url)
    for garbage in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nA" + b"x" * 100_000 + b"\r\n\r\n"):
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
            connection.sendall(garbage)
            connection.settimeout(5)
            answer = connection.recv(1000)
        assert b" 200 " not in answer
    assert at_page(a_checkout(bayar)).pay().state == "paid"


@pytest.fixture
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    limits = {
        "BAYAR_CHECKOUT_ATTEMPTS_PER_MINUTE": "3",
        "BAYAR_CHECKOUT_ATTEMPTS_PER_LINK": "5",
        "BAYAR_CHECKOUT_PROXIES": "1",
        "BAYAR_CHECKOUT_FRAME_ANCESTORS": EMBEDDED,
        "BAYAR_CHECKOUT_BASE_URL": "https://pay.shop.example",
    }
    with running_pair(tmp_path_factory.mktemp("strict"), page_settings(**limits)) as pair:
        yield pair


def test_card_testing_is_slowed_by_address_and_by_checkout_behind_a_proxy(strict: Pair) -> None:
    bayar = strict.service.client()
    link = a_checkout(bayar, "2001.00", max_uses=1000)
    local = "http://" + strict.service.environment["BAYAR_CHECKOUT_ADDRESS"] + urlsplit(link.url).path

    def attempt(address: str) -> int:
        shopper = Shopper(local, headers={"X-Forwarded-For": f"6.6.6.6, {address}"})
        page = shopper.open()
        assert f"frame-ancestors {EMBEDDED}" in page.headers["content-security-policy"]
        assert page.headers["set-cookie"].endswith("; Secure; SameSite=None; Partitioned")
        shopper.headers["Origin"] = "https://pay.shop.example"
        answer = shopper.post("pay", paying(shopper), Origin="")
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
        return answer.status

    assert [attempt("192.0.2.1") for _ in range(5)] == [200, 200, 200, 429, 429]
    assert [attempt("192.0.2.2") for _ in range(3)] == [200, 200, 429]
    another = a_checkout(bayar)
    assert (
        json.loads(Shopper(local.rpartition("/")[0] + "/" + another.url.rpartition("/")[2]).status().body)["state"]
        == "open"
    )
