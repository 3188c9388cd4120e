"""Errors of the use cases: what each says of itself, and which refusals only time made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.common import errors
from application.common.caller import Scope
from application.common.errors import AuthFailure, FieldViolation, InvalidRequest, ResourceKind, Rule
from application.common.velocity_scope import VelocityScope
from application.idempotency.standing_refusals import refusal_from_fields, refusal_to_fields
from application.ports.gateway import CustomerRefused
from application.ports.store import ExternalIdTaken, ReferenceTaken
from domain.errors import AmountExceeds, IllegalTransition
from domain.ids import CustomerId, DisputeId, OperationId, PaymentId, PaymentMethodId, RequestId
from domain.money import Money
from domain.operation import OperationKind, OperationState
from domain.payment_method import PaymentMethodState
from domain.payment_state import PaymentState

PAYMENT, OPERATION, CUSTOMER = PaymentId("pay_1"), OperationId("op_1"), CustomerId("cus_1")
METHOD, DISPUTE, REQUEST = PaymentMethodId("pm_1"), DisputeId("dis_1"), RequestId("request")
MINUTE = timedelta(minutes=1)
VIOLATIONS = (FieldViolation("amount", Rule.REQUIRED), FieldViolation("note", Rule.MAX_CHARACTERS, "255"))
ONE, TWO = Money(100, "USD"), Money(200, "USD")

ERRORS: list[tuple[Exception, str, dict[str, object]]] = [
    (InvalidRequest(VIOLATIONS), "amount: required, note: max_characters", {"violations": VIOLATIONS}),
    (
        errors.NotFound(ResourceKind.PAYMENT, "pay_1"),
        "payment pay_1",
        {"kind": ResourceKind.PAYMENT, "resource_id": "pay_1"},
    ),
    (
        errors.NotAuthenticated(AuthFailure.EXPIRED, "since noon"),
        "expired since noon",
        {"refusal": AuthFailure.EXPIRED, "detail": "since noon"},
    ),
    (errors.NotAuthenticated(AuthFailure.MISSING), "missing", {"refusal": AuthFailure.MISSING, "detail": ""}),
    (errors.ScopeMissing(Scope.ADMIN), "admin", {"scope": Scope.ADMIN}),
    (
        errors.RequestIdReused(REQUEST, ("amount", "note")),
        "request: amount, note",
        {"request_id": REQUEST, "fields": ("amount", "note")},
    ),
    (errors.ReferenceAlreadyPaid("order", PAYMENT), "pay_1", {"reference": "order", "payment_id": PAYMENT}),
    (errors.ReferenceAlreadyPaid("order", None), "order", {"reference": "order", "payment_id": None}),
    (errors.ExternalIdAlreadyUsed("ada", CUSTOMER), "cus_1", {"external_id": "ada", "customer_id": CUSTOMER}),
    (
        errors.OperationRefused(PAYMENT, OPERATION, OperationKind.VOID, "too late"),
        "void of pay_1: too late",
        {"payment_id": PAYMENT, "operation_id": OPERATION, "kind": OperationKind.VOID, "detail": "too late"},
    ),
    (errors.CustomerHasOpenPayments(CUSTOMER), "cus_1", {"customer_id": CUSTOMER}),
    (
        errors.MethodNotActive(METHOD, PaymentMethodState.DELETED),
        "pm_1 is deleted",
        {"payment_method_id": METHOD, "state": PaymentMethodState.DELETED},
    ),
    (
        errors.OperationAlreadyResolved(OPERATION, OperationState.FAILED),
        "op_1 is failed",
        {"operation_id": OPERATION, "state": OperationState.FAILED},
    ),
    (errors.MayStillHappen(OPERATION, MINUTE), "op_1", {"operation_id": OPERATION, "retry_after": MINUTE}),
    (
        errors.ContradictedByGateway(OPERATION, "it is there"),
        "op_1: it is there",
        {"operation_id": OPERATION, "detail": "it is there"},
    ),
    (errors.ServiceHeld("restored"), "restored", {"reason": "restored"}),
    (errors.MovementsIncomplete(), "the movements of some payments are not booked yet", {}),
    (errors.TooManyOrphans(3, 2), "3 orphans, 2 may be reversed", {"count": 3, "most": 2}),
    (
        errors.TooManyDeclines(VelocityScope.CARD, MINUTE),
        "card for 0:01:00",
        {"scope": VelocityScope.CARD, "retry_after": MINUTE},
    ),
    (errors.MethodRefused("no"), "no", {"detail": "no"}),
    (errors.DisputeAnswerRefused(DISPUTE, "no"), "dis_1: no", {"dispute_id": DISPUTE, "detail": "no"}),
    (
        errors.PaymentDisputed(PAYMENT, (DISPUTE,), ONE, TWO),
        "USD 1.00 of pay_1 is disputed",
        {"payment_id": PAYMENT, "dispute_ids": (DISPUTE,), "claimed": ONE, "left": TWO},
    ),
    (ReferenceTaken(PAYMENT), "pay_1", {"payment_id": PAYMENT}),
    (ExternalIdTaken(CUSTOMER), "cus_1", {"customer_id": CUSTOMER}),
    (
        CustomerRefused({"email": "81604", "phone": "81614"}),
        "81604, 81614",
        {"fields": {"email": "81604", "phone": "81614"}},
    ),
]


@pytest.mark.parametrize(("error", "text", "fields"), ERRORS, ids=lambda one: type(one).__name__)
def test_an_error_says_what_it_is_about(error: Exception, text: str, fields: dict[str, object]) -> None:
    assert str(error) == text
    assert vars(error) == fields


@pytest.mark.parametrize(
    ("rules", "may_have_been"),
    [
        ((Rule.NOT_PAST,), True),
        ((Rule.EXISTS, Rule.OF_CUSTOMER, Rule.CURRENCY_ACCEPTED), True),
        ((Rule.NO_CARDS, Rule.NO_CARD_DATA, Rule.UNAMBIGUOUS), True),
        ((Rule.REQUIRED,), False),
        ((Rule.NOT_PAST, Rule.REQUIRED), False),
        ((Rule.UUID, Rule.EXISTS), False),
    ],
)
def test_a_request_may_have_been_good_where_only_time_made_faults_of_it(
    rules: tuple[Rule, ...], may_have_been: bool
) -> None:
    assert InvalidRequest(tuple(FieldViolation("a", rule) for rule in rules)).may_have_been_valid is may_have_been


@pytest.mark.parametrize(
    "refusal",
    [
        errors.ReferenceAlreadyPaid("", PAYMENT),
        IllegalTransition(PAYMENT, PaymentState.VOIDED, OperationKind.CAPTURE),
        AmountExceeds(PAYMENT, OperationKind.REFUND, TWO, ONE),
        errors.PaymentDisputed(PAYMENT, (DISPUTE, DisputeId("dis_2")), TWO, ONE),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_standing_refusal_survives_the_record(
    refusal: errors.ReferenceAlreadyPaid | IllegalTransition | AmountExceeds | errors.PaymentDisputed,
) -> None:
    again = refusal_from_fields(refusal_to_fields(refusal))
    assert type(again) is type(refusal)
    assert vars(again) == vars(refusal)


def test_a_refusal_of_a_newer_version_is_refused() -> None:
    with pytest.raises(ValueError, match="later is no refusal"):
        refusal_from_fields({"reason": "later", "payment_id": ""})
