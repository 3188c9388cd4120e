"""An argument of the wrong type is refused by its name, in every method of every client."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from bayar import (
    Address,
    AsyncBayarClient,
    BayarClient,
    CaptureMode,
    LineItem,
    Money,
    OrderDetails,
    RetryPolicy,
    ThreeDSecure,
    ThreeDSecurePolicy,
    card,
    money,
    requests,
)
from bayar import messages as with_messages
from generator import clients
from tests.client.required_arguments import required_arguments

METHODS = {method.name: method.names for method in clients.methods()}
ARGUMENTS = [(method, name) for method, names in METHODS.items() for name in names]
FIRST_POLICY = list(ThreeDSecurePolicy)[1]
CLIENTS = pytest.mark.parametrize(
    "kind", [BayarClient, AsyncBayarClient, with_messages.BayarClient], ids=["sync", "asyncio", "messages"]
)
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


@CLIENTS
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
        ({"reference": None}, "reference is text, not NoneType."),
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
        ({"metadata": {"order": 17}}, "metadata['order'] is text, not int."),
        ({"metadata": {17: "order"}}, "metadata is a dict of texts, and one of its keys is int."),
        ({"amount": Money(minor_units="2500", currency_code="USD")}, "amount.minor_units is an int, not str."),  # type: ignore[arg-type]
        ({"billing_address": Address(postal_code=12345)}, "billing_address.postal_code is text, not int."),  # type: ignore[arg-type]
        (
            {"order_details": OrderDetails(line_items=[LineItem(name=1)])},  # type: ignore[arg-type]
            "order_details.line_items[0].name is text, not int.",
        ),
        (
            {"three_d_secure": ThreeDSecure(policy="REQUIRED")},  # type: ignore[arg-type]
            f"three_d_secure.policy is one of ThreeDSecurePolicy, for example {FIRST_POLICY!r}, not str.",
        ),
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


@CLIENTS
@pytest.mark.parametrize(
    ("wrong", "error", "sentence"),
    [
        ({"timeout_seconds": -1}, ValueError, "timeout_seconds is a number of seconds, greater than 0, not -1."),
        ({"timeout_seconds": 0}, ValueError, "timeout_seconds is a number of seconds, greater than 0, not 0."),
        (
            {"timeout_seconds": float("nan")},
            ValueError,
            "timeout_seconds is a number of seconds, greater than 0, not nan.",
        ),
        ({"timeout_seconds": "10"}, TypeError, "timeout_seconds is a number of seconds, not str."),
        ({"retry": 3}, TypeError, "retry is a RetryPolicy: RetryPolicy(attempts=...), not int."),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(kind: Any, wrong: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as of_client:
        kind(NOBODY, **wrong)
    for method, arguments in (("create_payment", ORDER), ("list_payments", {}), ("watch_payment", {"payment_id": "p"})):
        with pytest.raises(error) as of_call:
            call(kind(NOBODY), method, **arguments, **wrong)
        assert str(of_call.value) == sentence
    assert str(of_client.value) == sentence


@pytest.mark.parametrize(
    ("wrong", "error", "sentence"),
    [
        ({"attempts": 0}, ValueError, "attempts is at least 1, which never repeats, not 0."),
        ({"attempts": 2.5}, TypeError, "attempts is an int, not float."),
        ({"first_delay_seconds": -0.1}, ValueError, "first_delay_seconds is a number of seconds, 0 or more, not -0.1."),
        ({"longest_delay_seconds": "5"}, TypeError, "longest_delay_seconds is a number of seconds, not str."),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(wrong: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as raised:
        RetryPolicy(**wrong)
    assert str(raised.value) == sentence


@CLIENTS
@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"credential": ""}, ValueError, "A credential is one word of ASCII"),
        ({"credential": "two words"}, ValueError, "A credential is one word of ASCII"),
        ({"credential": b"key"}, TypeError, "credential is text, a Path, or a function that returns text, not bytes."),
        ({"credential": lambda: None}, TypeError, "The function credential returns text, not NoneType."),
        ({"credentials": "key"}, TypeError, "An API key is the argument credential."),
        ({"root_certificates": "pem"}, TypeError, "root_certificates is bytes, in PEM, not str."),
        ({"root_certificates": b""}, ValueError, "root_certificates holds no certificate in PEM."),
        ({"language": None}, TypeError, "language is text"),
    ],
)
def test_credentials_that_are_none_are_refused(kind: Any, wrong: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        kind(NOBODY, **wrong)


@CLIENTS
@pytest.mark.parametrize(
    "address",
    ["", "example.com", "example.com:", "example.com:https", "example.com:443/pay", "grpc://a:1", " a:1", "::1:50051"],
)
def test_an_address_that_is_none_is_refused(kind: Any, address: str) -> None:
    with pytest.raises(ValueError, match="An address is host:port without a scheme, for example"):
        kind(address)


@CLIENTS
def test_a_port_that_is_none_is_refused(kind: Any) -> None:
    for port in (0, 65536):
        with pytest.raises(ValueError, match=f"A port is 1 to 65535, not {port}"):
            kind(f"example.com:{port}")
    with pytest.raises(TypeError, match=r"address is text, .* not int"):
        kind(50051)
