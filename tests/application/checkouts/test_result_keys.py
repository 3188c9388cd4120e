"""The signed result in the return address, and the Python client that verifies it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from application.checkouts.result_keys import ResultKeys
from bayar import CheckoutResultError, verify_checkout_result
from domain.ids import CheckoutId, PaymentId
from tests.application.checkouts.steps import CheckoutShop

KEYS = ResultKeys(b"secret")
PAYMENT = PaymentId("pay_1")


def signed(success_url: str = "https://shop.example/paid", reference: str = "order & 1") -> tuple[str, str]:
    shop = CheckoutShop()
    checkout = shop.checkout(success_url=success_url, reference=reference)
    return KEYS.return_url(checkout, PAYMENT, shop.clock.now()), KEYS.key_of(checkout.checkout_id)


@pytest.mark.parametrize("success_url", ["https://shop.example/paid", "https://shop.example/paid?order=7&bay=1"])
def test_the_client_verifies_the_result(success_url: str) -> None:
    url, key = signed(success_url)
    assert url.startswith(success_url)
    result = verify_checkout_result(urlsplit(url).query, key)
    assert (result.reference, result.payment_id) == ("order & 1", PAYMENT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pay_1", "pay_2"),
        ("bayar_result=paid", "bayar_result=failed"),
        ("bayar_signature=", "bayar_signature=0"),
        ("bayar_signature", "signature"),
        ("bayar_payment_id", "payment_id"),
        ("bayar_time=", "bayar_time=1"),
        ("?", "?bayar_more=1&"),
        ("?", "?bayar_payment_id=pay_1&"),
    ],
)
def test_a_changed_result_is_refused(old: str, new: str) -> None:
    url, key = signed()
    assert old in url
    with pytest.raises(CheckoutResultError):
        verify_checkout_result(urlsplit(url.replace(old, new, 1)).query, key)


def test_the_key_of_another_checkout_verifies_nothing() -> None:
    url, _ = signed()
    for key in (KEYS.key_of(CheckoutId("chk_2")), "", "rk_"):
        with pytest.raises(CheckoutResultError):
            verify_checkout_result(urlsplit(url).query, key)
    assert "secret" not in repr(KEYS)
