"""Each enum of the domain has its own value on the wire, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.grpc.translate import enums
from bayar.payments.v1 import card_pb2, decline_pb2, payment_method_pb2, payment_pb2, payment_service_pb2
from domain.events import CaptureMode
from domain.payment_state import PaymentState

PAIRS = [
    (enums.PAYMENT_STATE, payment_pb2.PaymentState),
    (enums.FUNDS, payment_pb2.PaymentFunds),
    (enums.CAPTURE_MODE, payment_pb2.CaptureMode),
    (enums.OPERATION_KIND, payment_pb2.OperationKind),
    (enums.OPERATION_STATE, payment_pb2.OperationState),
    (enums.FAILURE_REASON, payment_pb2.FailureReason),
    (enums.DECLINE_REASON, decline_pb2.DeclineReason),
    (enums.FIXER, decline_pb2.DeclineFixer),
    (enums.RETRY_ADVICE, decline_pb2.RetryAdvice),
    (enums.INSTRUMENT_KIND, card_pb2.InstrumentKind),
    (enums.METHOD_STATE, payment_method_pb2.PaymentMethodState),
    (enums.EXPIRY_STATUS, payment_method_pb2.ExpiryStatus),
    (enums.CHECK_RESULT, payment_method_pb2.CheckResult),
    (enums.VERIFICATION_OUTCOME, payment_service_pb2.VerificationOutcome),
]


@pytest.mark.parametrize(("table", "wire"), PAIRS, ids=[wire.DESCRIPTOR.name for _, wire in PAIRS])
def test_every_member_has_a_value_of_its_own_and_every_value_a_member(table: Mapping[Any, int], wire: Any) -> None:
    kinds: set[Any] = {type(member) for member in table}
    [members] = [list(kind) for kind in kinds]
    assert set(table) == set(members)
    assert len(set(table.values())) == len(table)
    assert set(table.values()) == set(wire.values()) - {0}


def test_every_event_has_a_type() -> None:
    later = {payment_pb2.PAYMENT_EVENT_TYPE_UNSPECIFIED, payment_pb2.PAYMENT_EVENT_TYPE_DISPUTE_CHANGED}
    assert set(payment_pb2.PaymentEventType.values()) - set(enums.EVENT_TYPE.values()) <= later


@pytest.mark.parametrize("state", PaymentState)
def test_a_state_comes_back_as_it_went(state: PaymentState) -> None:
    assert enums.payment_state_from(enums.PAYMENT_STATE[state]) is state


def test_unspecified_is_automatic_and_an_unknown_number_is_none() -> None:
    assert enums.capture_mode_from(0) is CaptureMode.AUTOMATIC
    assert [enums.capture_mode_from(enums.CAPTURE_MODE[mode]) for mode in CaptureMode] == list(CaptureMode)
    for number in (-1, 99, 2**31 - 1):
        assert enums.capture_mode_from(number) is None
        assert enums.payment_state_from(number) is None
    assert enums.payment_state_from(0) is None
