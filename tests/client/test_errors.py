"""An error says everything in words, and nothing that is secret."""

import pickle
import traceback

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, PreconditionFailure, RetryInfo  # type: ignore[import-untyped]

from bayar.messages import BayarClient, BayarError, Violation, money
from tests.client.clocks import Clock
from tests.client.scripted_server import AuthFailure, scripted_server

REQUEST_ID = "8f14e45f-ceea-467f-a9b4-6d1f5d3b8a11"


def error_of(refusal: AuthFailure) -> BayarError:
    with (
        scripted_server(refusal) as script,
        BayarClient(script.address, retry=Clock().policy(attempts=1)) as client,
        pytest.raises(BayarError) as raised,
    ):
        client.create_payment(
            reference="order-1",
            amount=money("25.00", "USD"),
            card=client.card(number="4111 1111-1111 1111", expiration_month=12, expiration_year=2030, cvv="1234"),
            request_id=REQUEST_ID,
        )
    return raised.value


def test_every_detail_is_a_field_and_a_line() -> None:
    error = error_of(
        AuthFailure(
            grpc.StatusCode.INVALID_ARGUMENT,
            "Two things are wrong with the request.",
            (
                ErrorInfo(reason="INVALID_REQUEST", domain="bayar", metadata={"count": "2"}),
                BadRequest(
                    field_violations=[
                        {"field": "amount.minor_units", "description": "Must be at least 1."},
                        {"field": "card.expiration_year", "description": "Must not be past."},
                    ]
                ),
                LocalizedMessage(locale="id", message="Dua hal salah."),
                RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)),
            ),
        )
    )
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "INVALID_REQUEST"
    assert error.message == "Two things are wrong with the request."
    assert error.localized_message == "Dua hal salah."
    assert error.violations == (
        Violation("amount.minor_units", "Must be at least 1."),
        Violation("card.expiration_year", "Must not be past."),
    )
    assert error.retry_after_seconds == 1.5
    assert error.metadata == {"count": "2"}
    assert error.request_id == REQUEST_ID
    assert str(error).splitlines() == [
        "Two things are wrong with the request. (INVALID_ARGUMENT, INVALID_REQUEST)",
        "  amount.minor_units: Must be at least 1.",
        "  card.expiration_year: Must not be past.",
        "Try again after 1.5 s.",
        f"request_id: {REQUEST_ID}",
    ]


def test_an_unmet_precondition_is_a_violation_too() -> None:
    unmet = PreconditionFailure(violations=[{"type": "STATE", "subject": "payment", "description": "It is voided."}])
    error = error_of(AuthFailure(grpc.StatusCode.FAILED_PRECONDITION, "No.", (unmet,)))
    assert error.violations == (Violation("payment", "It is voided."),)


def test_an_error_without_details_is_still_readable() -> None:
    assert str(error_of(AuthFailure(grpc.StatusCode.PERMISSION_DENIED))).startswith(
        "Bayar gave no explanation. (PERMISSION_DENIED)\n"
    )


@pytest.mark.parametrize(
    "secret", ["4111 1111-1111 1111", "4111111111111111", "1234"], ids=["as typed", "digits", "security code"]
)
def test_a_secret_that_comes_back_is_hidden(secret: str) -> None:
    text = f"The value {secret} is wrong; order 12345 is not."
    error = error_of(
        AuthFailure(
            grpc.StatusCode.INVALID_ARGUMENT,
            text,
            (
                ErrorInfo(reason="INVALID_REQUEST", metadata={"value": secret}),
                BadRequest(field_violations=[{"field": "card", "description": text}]),
                LocalizedMessage(locale="en", message=text),
            ),
        )
    )
    shown = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(error) + str(error)
    assert secret not in shown.replace("12345", "")
    assert error.message == "The value (hidden) is wrong; order 12345 is not."


def test_the_traceback_is_short() -> None:
    error = error_of(AuthFailure(grpc.StatusCode.NOT_FOUND, "There is no such customer."))
    assert "_InactiveRpcError" not in "".join(traceback.format_exception(error))


def test_an_error_crosses_processes() -> None:
    error = error_of(AuthFailure(grpc.StatusCode.UNKNOWN, "Oh.", (ErrorInfo(reason="WHO_KNOWS"),)))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    assert (str(copy), vars(copy)) == (str(error), vars(error))
