"""Nobody gets in without a credential, and nobody for longer than a session may last."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client

from bayar_console.configuration import Configuration
from tests.console.conftest import HOST, Keys, Orders

PAGES = ("/", "/payments", "/customers", "/disputes", "/work", "/webhooks", "/blocks", "/reconcile")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_a_stranger_to_sign_in(visitor: Client, page: str) -> None:
    answer = visitor.get(page)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/sign-in")


def test_no_act_is_taken_from_a_stranger(visitor: Client, orders: Orders) -> None:
    answer = visitor.post(f"/payments/{orders.held.payment_id}/void", {"request_id": "0" * 32})
    assert answer.headers["location"].startswith("/sign-in")


def test_a_key_opens_the_page_that_was_wanted(visitor: Client, keys: Keys) -> None:
    answer = visitor.post("/sign-in", {"key": keys.operator, "next": "/disputes"})
    assert answer.headers["location"] == "/disputes"
    assert "Siti Rahayu" in visitor.get("/disputes").content.decode()


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"]
)
def test_sign_in_leads_nowhere_else(visitor: Client, keys: Keys, elsewhere: str) -> None:
    assert visitor.post("/sign-in", {"key": keys.operator, "next": elsewhere}).headers["location"] == "/"


@pytest.mark.parametrize("key", ["", "two words", "bayar_key_unknown", "café"])
def test_a_wrong_key_is_refused_with_a_sentence(visitor: Client, key: str) -> None:
    answer = visitor.post("/sign-in", {"key": key})
    assert answer.status_code == 403
    assert 'role="alert"' in answer.content.decode()


def test_signing_in_begins_a_new_session(visitor: Client, keys: Keys) -> None:
    visitor.get("/sign-in/begin")  # it keeps the wanted page
    before = visitor.cookies["bayar_console"].value
    visitor.post("/sign-in", {"key": keys.operator})
    assert visitor.cookies["bayar_console"].value != before


def test_a_signed_out_session_is_gone_at_the_server(operator: Client) -> None:
    cookie = operator.cookies["bayar_console"].value
    operator.post("/sign-out")
    thief = Client(headers={"host": HOST})
    thief.cookies["bayar_console"] = cookie
    assert thief.get("/payments").status_code == 302


def test_a_person_who_does_nothing_signs_in_again(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator.get("/payments").status_code == 200
    now = time.time()
    monkeypatch.setattr("bayar_console.signin.middleware.time.time", lambda: now + 31 * 60)
    assert operator.get("/payments").status_code == 302


def test_an_open_page_that_follows_its_payment_keeps_nobody_signed_in(
    operator: Client, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/payments/{orders.paid.payment_id}"
    assert operator.get(path).status_code == 200
    now = time.time()
    for minutes in (20, 31):
        monkeypatch.setattr("bayar_console.signin.middleware.time.time", lambda at=now + minutes * 60: at)
        answer = operator.get(path, headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in"


def test_a_session_ends_however_busy_it_is(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for minutes in range(0, 480, 25):
        monkeypatch.setattr("bayar_console.signin.middleware.time.time", lambda at=now + minutes * 60: at)
        assert operator.get("/work").status_code == 200
    monkeypatch.setattr("bayar_console.signin.middleware.time.time", lambda: now + 481 * 60)
    assert operator.get("/work").status_code == 302


def test_a_form_of_another_site_is_refused(keys: Keys, console: Configuration) -> None:
    assert console
    client = Client(headers={"host": HOST}, enforce_csrf_checks=True)
    assert client.post("/sign-in", {"key": keys.operator}).status_code == 403


def test_the_credential_leaves_the_console_in_no_answer(operator: Client, keys: Keys, orders: Orders) -> None:
    for page in (*PAGES, f"/payments/{orders.paid.payment_id}", f"/customers/{orders.customer_id}"):
        answer = operator.get(page)
        assert keys.operator not in answer.content.decode()
        assert keys.operator not in str(answer.headers)
    assert keys.operator not in str(operator.cookies)


def test_an_account_of_the_issuer_opens_the_console(visitor: Client) -> None:
    answer = by_issuer(visitor, "ani")
    assert answer.headers["location"] == "/disputes"
    page = visitor.get("/disputes").content.decode()
    assert "Ani" in page


def test_an_account_without_a_key_is_refused(visitor: Client) -> None:
    answer = by_issuer(visitor, "eve")
    assert answer.status_code == 403
    assert "eve@shop.example has no access" in answer.content.decode()
    assert visitor.get("/payments").status_code == 302


def test_an_answer_of_the_issuer_that_nobody_asked_for_is_refused(visitor: Client) -> None:
    answer = visitor.get("/sign-in/return?code=abc&state=made-up")
    assert answer.status_code == 403
    assert "Begin again" in answer.content.decode()


def test_a_refusal_of_the_issuer_is_told(visitor: Client) -> None:
    visitor.get("/sign-in/begin")
    assert visitor.get("/sign-in/return?error=access_denied").status_code == 403


def by_issuer(visitor: Client, name: str) -> Any:
    """Signs in at the issuer's page as a person would, and comes back."""
    there = visitor.get("/sign-in/begin?next=/disputes").headers["location"]
    assert "code_challenge_method=S256" in there
    back = requests.post(there, data={"sub": name}, allow_redirects=False, timeout=10).headers["location"]
    parts = urlsplit(back)
    return visitor.get(f"{parts.path}?{parts.query}")
