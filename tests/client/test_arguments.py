"""An argument of the wrong type is refused by its name, in every method of every client."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from bayar import AsyncBayarClient, BayarClient, CaptureMode, card, money, requests
from bayar import messages as with_messages
from generator import clients
from tests.client.required_arguments import required_arguments

METHODS = {method.name: method.names for method in clients.methods()}
ARGUMENTS = [(method, name) for method, names in METHODS.items() for name in names]
NOBODY = "127.0.0.1:1"
VISA = card(number="4111111111111111", expiration_month=12, expiration_year=2030)
ORDER: dict[str, Any] = {"reference": "order-1", "amount": money("25.00", "USD"), "card": VISA}


def call(client: Any, method: str, **arguments: Any) -> None:
    """Makes a call, or begins one; it does not get beyond its arguments."""
    made = getattr(client, method)(**arguments)
    if inspect.iscoroutine(made):
        made.send(None)
    elif inspect.isasyncgen(made):
        made.__anext__().send(None)


@pytest.mark.parametrize(
    "kind", [BayarClient, AsyncBayarClient, with_messages.BayarClient], ids=["sync", "asyncio", "messages"]
)
@pytest.mark.parametrize(("method", "name"), ARGUMENTS)
def test_an_argument_of_a_wrong_type_is_named(kind: Any, method: str, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name} is .*, not Secret\.$"):
        call(kind(NOBODY), method, **{**required_arguments(getattr(requests, method)), name: Secret()})


class Secret:
    def __repr__(self) -> str:
        raise AssertionError("An error shows no value.")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"reference": 17}, "reference is text, not int."),
        ({"amount": "25.00"}, 'amount is Money: money("25.00", "USD"), not str.'),
        ({"amount": 2500}, 'amount is Money: money("25.00", "USD"), not int.'),
        (
            {"card": {"number": "4111"}},
            "card is a card: card(number=..., expiration_month=..., expiration_year=...), not dict.",
        ),
        (
            {"capture_mode": "MANUAL"},
            f"capture_mode is one of CaptureMode, for example {CaptureMode.AUTOMATIC!r}, not str.",
        ),
        ({"metadata": "basket"}, "metadata is a dict of texts, not str."),
        ({"consents": 1}, "consents is a list, not int."),
        (
            {"consents": ["MERCHANT"]},
            "consents[0] is one of PaymentInitiator, for example PaymentInitiator.CUSTOMER, not str.",
        ),
        ({"billing_address": "Jl. Merdeka 1"}, "billing_address is Address(...), not str."),
    ],
)
def test_the_error_shows_the_type_that_is_right(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TypeError) as raised:
        BayarClient(NOBODY).create_payment(**{**ORDER, **wrong})
    assert str(raised.value) == sentence


def test_other_errors_are_as_they_were() -> None:
    with pytest.raises(ValueError, match="Give one of card, payment_method_nonce"):
        BayarClient(NOBODY).create_payment(**ORDER, payment_method_nonce="nonce")
