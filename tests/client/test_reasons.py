"""The reasons that the client knows are the service's, and each has a remedy."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Final

import grpc
import pytest

from bayar import BayarError, Reason
from bayar.reasons import remedy_of

ROOT: Final = Path(__file__).resolve().parents[2]


def documented() -> set[str]:
    """Those of docs/integrate/errors.md, which a test of the documents holds to the service's own."""
    rows = [row for row in (ROOT / "docs/integrate/errors.md").read_text("utf-8").splitlines() if row.startswith("| ")]
    return {name for row in rows[1:] for name in re.findall(r"[A-Z][A-Z_]+", row.split("|")[2])}


def test_the_client_knows_every_reason_of_the_service() -> None:
    assert {reason.value for reason in Reason} == documented()


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_its_text_and_has_a_remedy(reason: Reason) -> None:
    assert reason == reason.name == f"{reason}"
    assert re.fullmatch(r"[A-Z].+\.", reason.remedy)


def test_an_unknown_reason_has_the_remedy_of_its_code() -> None:
    error = BayarError(grpc.StatusCode.NOT_FOUND, "No such moon.", reason="MOON_NOT_FOUND")
    assert error.reason == "MOON_NOT_FOUND"
    assert error.remedy == Reason.PAYMENT_NOT_FOUND.remedy
    assert remedy_of("", "DATA_LOSS") == "Do as the message says."


def test_an_unknown_outcome_has_one_remedy_whatever_the_reason() -> None:
    error = BayarError(grpc.StatusCode.INTERNAL, "", reason="INTERNAL", outcome_unknown=True)
    assert error.remedy == (
        "Repeat the call with the same request_id to learn the outcome. A new request_id could act twice."
    )


def test_the_advice_on_retries_is_a_duration_and_seconds() -> None:
    error = BayarError(grpc.StatusCode.ABORTED, "", reason=str(Reason.OPERATION_IN_PROGRESS), retry_after_seconds=1.5)
    assert (error.retry_after, error.retryable) == (timedelta(seconds=1.5), True)
    assert BayarError(grpc.StatusCode.NOT_FOUND, "").retry_after is None
