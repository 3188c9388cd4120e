"""The signed result of a checkout, as the shop verifies it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from application.checkouts.result_keys import signature_of
from bayar import CheckoutResult, CheckoutResultError, verify_checkout_result

KEY = "rk_0123456789abcdef"
RESULT = {
    "bayar_checkout_id": "chk_1",
    "bayar_payment_id": "pay_1",
    "bayar_reference": "order & more",
    "bayar_result": "paid",
    "bayar_time": "1767225600",
}
SIGNED = {**RESULT, "bayar_signature": signature_of(KEY, RESULT)}


def test_a_signed_result_is_read() -> None:
    expected = CheckoutResult("chk_1", "order & more", "pay_1", datetime(2026, 1, 1, tzinfo=UTC))
    assert verify_checkout_result(SIGNED, KEY) == expected
    assert verify_checkout_result({**SIGNED, "basket": "7"}, KEY) == expected


def test_the_query_of_an_address_is_read() -> None:
    address = (
        "https://shop.example/paid?basket=7&bayar_checkout_id=chk_1&bayar_reference=order+%26+more&bayar_payment_id=pay_1"
        f"&bayar_result=paid&bayar_time=1767225600&bayar_signature={SIGNED['bayar_signature']}"
    )
    query = urlsplit(address).query
    assert dict(parse_qsl(query)).items() >= SIGNED.items()
    for given in (query, query.encode(), f"?{query}", address, address.encode(), f"/paid?{query}", f"{address}#top"):
        assert verify_checkout_result(given, KEY).reference == "order & more"


@pytest.mark.parametrize("name", RESULT)
def test_a_changed_parameter_is_refused(name: str) -> None:
    with pytest.raises(CheckoutResultError):
        verify_checkout_result({**SIGNED, name: "other"}, KEY)
    with pytest.raises(CheckoutResultError):
        verify_checkout_result({each: value for each, value in SIGNED.items() if each != name}, KEY)


def test_a_result_without_signature_or_of_another_key_is_refused() -> None:
    for given, key in ((RESULT, KEY), (SIGNED, "rk_other"), ({}, KEY)):
        with pytest.raises(CheckoutResultError):
            verify_checkout_result(given, key)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(CheckoutResultError):
        verify_checkout_result(b"bayar_reference=\xff&bayar_signature=\xff", KEY)


def test_without_a_key_nothing_is_verified() -> None:
    signed_with_nothing = {**RESULT, "bayar_signature": signature_of("", RESULT)}
    with pytest.raises(CheckoutResultError, match="result_key is empty"):
        verify_checkout_result(signed_with_nothing, "")
    missing: Any = None
    with pytest.raises(TypeError, match=r"result_key is a text, .* not NoneType"):
        verify_checkout_result(signed_with_nothing, missing)


def test_a_parameter_that_is_given_twice_is_refused() -> None:
    query = "&".join(f"{name}={value}" for name, value in SIGNED.items())
    with pytest.raises(CheckoutResultError, match="twice"):
        verify_checkout_result(f"{query}&bayar_payment_id=pay_2", KEY)
