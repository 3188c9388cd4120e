"""Every refusal has one row: a code, a stable reason, details that fit, and words in each language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as rich  # type: ignore[import-untyped]

from adapters.grpc.errors import exceptions
from adapters.grpc.errors.status_codes import REFUSALS, problem_of, status_of
from adapters.grpc.messages.catalogue import catalogue
from adapters.grpc.messages.violation_messages import SENTENCES, sentence
from application.common import errors as application
from application.common.caller import Scope
from application.common.errors import FieldViolation, ResourceKind, Rule
from application.common.languages import accepted_languages
from application.common.operator import OperatorRight
from application.common.velocity_scope import VelocityScope
from application.ports import gateway
from domain import errors as domain
from domain.ids import CheckoutId, CustomerId, DisputeId, OperationId, PaymentId, PaymentMethodId, RequestId
from domain.money import Money
from domain.operation import OperationKind, OperationState
from domain.payment_method import PaymentMethodState
from domain.payment_state import PaymentState

PAYMENT, OPERATION, CUSTOMER = PaymentId("pay_1"), OperationId("op_1"), CustomerId("cus_1")
DISPUTE = DisputeId("dis_1")
CHECKOUT = CheckoutId("chk_1")
Code = grpc.StatusCode

TOLD: list[tuple[Exception, grpc.StatusCode, str, tuple[type[Message], ...]]] = [
    (
        application.InvalidRequest((FieldViolation("a.b", Rule.REQUIRED),)),
        Code.INVALID_ARGUMENT,
        "INVALID_REQUEST",
        (rich.BadRequest,),
    ),
    (exceptions.UndecodableRequest(), Code.INVALID_ARGUMENT, "INVALID_REQUEST", (rich.BadRequest,)),
    (application.NotFound(ResourceKind.PAYMENT, "x"), Code.NOT_FOUND, "PAYMENT_NOT_FOUND", ()),
    (application.NotFound(ResourceKind.CUSTOMER, "x"), Code.NOT_FOUND, "CUSTOMER_NOT_FOUND", ()),
    (application.NotFound(ResourceKind.PAYMENT_METHOD, "x"), Code.NOT_FOUND, "PAYMENT_METHOD_NOT_FOUND", ()),
    (application.RequestIdReused(RequestId("r"), ("a",)), Code.ALREADY_EXISTS, "REQUEST_ID_REUSED", ()),
    (application.ReferenceAlreadyPaid("r", PAYMENT), Code.ALREADY_EXISTS, "REFERENCE_ALREADY_PAID", ()),
    (application.ExternalIdAlreadyUsed("e", CUSTOMER), Code.ALREADY_EXISTS, "EXTERNAL_ID_TAKEN", ()),
    (
        application.OperationRefused(PAYMENT, OPERATION, OperationKind.VOID, "too late"),
        Code.FAILED_PRECONDITION,
        "PAYMENT_NOT_VOIDABLE",
        (rich.PreconditionFailure,),
    ),
    (
        application.CustomerHasOpenPayments(CUSTOMER),
        Code.FAILED_PRECONDITION,
        "CUSTOMER_HAS_OPEN_PAYMENTS",
        (rich.RetryInfo,),
    ),
    (
        application.MethodNotActive(PaymentMethodId("pm_1"), PaymentMethodState.DELETED),
        Code.FAILED_PRECONDITION,
        "PAYMENT_METHOD_NOT_ACTIVE",
        (),
    ),
    (application.MethodRefused("no"), Code.FAILED_PRECONDITION, "PAYMENT_METHOD_CHANGE_REFUSED", ()),
    (application.NotFound(ResourceKind.OPERATION, "x"), Code.NOT_FOUND, "OPERATION_NOT_FOUND", ()),
    (
        application.OperationAlreadyResolved(OPERATION, OperationState.SUCCEEDED),
        Code.FAILED_PRECONDITION,
        "OPERATION_ALREADY_RESOLVED",
        (),
    ),
    (
        application.ContradictedByGateway(OPERATION, "it says SETTLED"),
        Code.FAILED_PRECONDITION,
        "CONTRADICTED_BY_GATEWAY",
        (),
    ),
    (
        application.MayStillHappen(OPERATION, timedelta(seconds=60)),
        Code.FAILED_PRECONDITION,
        "OPERATION_MAY_STILL_HAPPEN",
        (rich.RetryInfo,),
    ),
    (application.ServiceHeld("restored"), Code.UNAVAILABLE, "SERVICE_HELD", (rich.RetryInfo,)),
    (application.MovementsIncomplete(), Code.FAILED_PRECONDITION, "MOVEMENTS_INCOMPLETE", (rich.RetryInfo,)),
    (application.TooManyOrphans(17, 10), Code.FAILED_PRECONDITION, "TOO_MANY_ORPHANS", ()),
    *(
        (
            domain.IllegalTransition(PAYMENT, PaymentState.DECLINED, kind),
            Code.FAILED_PRECONDITION,
            reason,
            (rich.PreconditionFailure,),
        )
        for kind, reason in (
            (OperationKind.CAPTURE, "PAYMENT_NOT_CAPTURABLE"),
            (OperationKind.VOID, "PAYMENT_NOT_VOIDABLE"),
            (OperationKind.REFUND, "PAYMENT_NOT_REFUNDABLE"),
            (OperationKind.AUTHORIZE, "PAYMENT_NOT_PAYABLE"),
            (OperationKind.ADJUST, "PAYMENT_NOT_ADJUSTABLE"),
        )
    ),
    (
        domain.AmountExceeds(PAYMENT, OperationKind.CAPTURE, Money(2, "USD"), Money(1, "USD")),
        Code.FAILED_PRECONDITION,
        "AMOUNT_EXCEEDS_CAPTURABLE",
        (rich.PreconditionFailure,),
    ),
    (
        domain.AmountExceeds(PAYMENT, OperationKind.REFUND, Money(2, "USD"), Money(1, "USD")),
        Code.FAILED_PRECONDITION,
        "AMOUNT_EXCEEDS_REFUNDABLE",
        (rich.PreconditionFailure,),
    ),
    (
        domain.AmountUnchanged(PAYMENT, Money(2, "USD")),
        Code.FAILED_PRECONDITION,
        "AMOUNT_ALREADY_AUTHORIZED",
        (rich.PreconditionFailure,),
    ),
    (
        application.PaymentDisputed(PAYMENT, (DISPUTE,), Money(2, "USD"), Money(1, "USD")),
        Code.FAILED_PRECONDITION,
        "PAYMENT_DISPUTED",
        (rich.PreconditionFailure,),
    ),
    (domain.CheckoutCompleted(CHECKOUT), Code.FAILED_PRECONDITION, "CHECKOUT_COMPLETED", (rich.PreconditionFailure,)),
    (domain.CheckoutBeingPaid(CHECKOUT), Code.ABORTED, "CHECKOUT_BEING_PAID", (rich.RetryInfo,)),
    (
        domain.CheckoutNotPayable(CHECKOUT),
        Code.FAILED_PRECONDITION,
        "CHECKOUT_NOT_PAYABLE",
        (rich.PreconditionFailure,),
    ),
    (application.CheckoutNotServed(), Code.FAILED_PRECONDITION, "CHECKOUT_NOT_SERVED", (rich.PreconditionFailure,)),
    (
        application.DisputeAnswerRefused(DISPUTE, "something is missing"),
        Code.FAILED_PRECONDITION,
        "DISPUTE_ANSWER_REFUSED",
        (rich.PreconditionFailure,),
    ),
    (domain.DisputeNotOpen(DISPUTE, "won"), Code.FAILED_PRECONDITION, "DISPUTE_NOT_OPEN", (rich.PreconditionFailure,)),
    (domain.DisputeActionInProgress(DISPUTE, OPERATION), Code.ABORTED, "OPERATION_IN_PROGRESS", (rich.RetryInfo,)),
    (application.NotFound(ResourceKind.DISPUTE, "x"), Code.NOT_FOUND, "DISPUTE_NOT_FOUND", ()),
    (application.NotFound(ResourceKind.BLOCK, "x"), Code.NOT_FOUND, "BLOCK_NOT_FOUND", ()),
    (application.NotFound(ResourceKind.NOTIFICATION, "x"), Code.NOT_FOUND, "NOTIFICATION_NOT_FOUND", ()),
    (domain.OperationInProgress(PAYMENT, OPERATION), Code.ABORTED, "OPERATION_IN_PROGRESS", (rich.RetryInfo,)),
    (gateway.GatewayRefused("92807"), Code.FAILED_PRECONDITION, "GATEWAY_REFUSED_REQUEST", (rich.PreconditionFailure,)),
    (gateway.GatewayRefusedCredentials(), Code.UNAVAILABLE, "GATEWAY_REFUSED_CREDENTIALS", (rich.RetryInfo,)),
    (gateway.GatewayNotReached(), Code.UNAVAILABLE, "GATEWAY_UNREACHABLE", (rich.RetryInfo,)),
    (gateway.RefundIncomplete(), Code.UNAVAILABLE, "REFUND_INCOMPLETE", (rich.RetryInfo,)),
    (gateway.GatewayUnavailable(), Code.UNAVAILABLE, "GATEWAY_UNAVAILABLE", (rich.RetryInfo,)),
    (application.StoreUnavailable(), Code.UNAVAILABLE, "STORE_UNAVAILABLE", (rich.RetryInfo,)),
    (application.RecordTooNew("kind 'later'"), Code.UNAVAILABLE, "STORE_UNAVAILABLE", (rich.RetryInfo,)),
    (application.AuthenticationRequired(), Code.FAILED_PRECONDITION, "AUTHENTICATION_REQUIRED", ()),
    (
        application.TooManyDeclines(VelocityScope.CARD, timedelta(seconds=30.2)),
        Code.RESOURCE_EXHAUSTED,
        "TOO_MANY_DECLINES",
        (rich.RetryInfo,),
    ),
    (exceptions.ServiceStopping(), Code.UNAVAILABLE, "SERVICE_STOPPING", (rich.RetryInfo,)),
    *(
        (application.NotAuthenticated(refusal, "unknown key"), Code.UNAUTHENTICATED, f"CREDENTIAL_{refusal.name}", ())
        for refusal in application.AuthFailure
    ),
    (application.CredentialsUnavailable(), Code.UNAVAILABLE, "CREDENTIALS_UNAVAILABLE", (rich.RetryInfo,)),
    (application.ScopeMissing(Scope.ADMIN), Code.PERMISSION_DENIED, "SCOPE_MISSING", ()),
    (application.OperatorRightMissing(OperatorRight.REFUND), Code.PERMISSION_DENIED, "OPERATOR_RIGHT_MISSING", ()),
    (
        application.OnBehalfIncomplete(
            OperatorRight.REFUND, (application.FieldViolation("bayar-reason", application.Rule.REQUIRED),)
        ),
        Code.INVALID_ARGUMENT,
        "ON_BEHALF_INCOMPLETE",
        (rich.BadRequest,),
    ),
    (application.NotAnOperator(), Code.PERMISSION_DENIED, "NOT_AN_OPERATOR", ()),
    (application.NotForCustomers(), Code.PERMISSION_DENIED, "NOT_FOR_CUSTOMERS", ()),
    (exceptions.StreamTooLong(), Code.UNAVAILABLE, "STREAM_ENDED", (rich.RetryInfo,)),
    (exceptions.ReaderTooSlow(30), Code.UNAVAILABLE, "STREAM_READ_TOO_SLOWLY", (rich.RetryInfo,)),
    (exceptions.RateLimited(0.0125), Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", (rich.RetryInfo,)),
    (exceptions.TooManyFailedLogins(0.06), Code.RESOURCE_EXHAUSTED, "TOO_MANY_FAILED_LOGINS", (rich.RetryInfo,)),
    (exceptions.ReaderTooSlow(60), Code.UNAVAILABLE, "STREAM_READ_TOO_SLOWLY", (rich.RetryInfo,)),
    (exceptions.TooMuchUnread(1 << 25), Code.RESOURCE_EXHAUSTED, "ANSWERS_UNREAD", (rich.RetryInfo,)),
    (exceptions.TooManyStreams(5), Code.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS", (rich.RetryInfo,)),
    (exceptions.Overloaded(), Code.RESOURCE_EXHAUSTED, "OVERLOADED", (rich.RetryInfo,)),
    (exceptions.RequestTooLarge(1000), Code.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", ()),
    (exceptions.CallTooLong(150), Code.DEADLINE_EXCEEDED, "CALL_TOO_LONG", (rich.RetryInfo,)),
]
IDS = [f"{type(error).__name__}-{reason}" for error, _, reason, _ in TOLD]


@pytest.mark.parametrize(("error", "code", "reason", "kinds"), TOLD, ids=IDS)
@pytest.mark.parametrize("locale", ["en", "id"])
def test_a_refusal_is_reported_with_code_reason_details_and_words(
    error: Exception, code: grpc.StatusCode, reason: str, kinds: tuple[type[Message], ...], locale: str
) -> None:
    status = status_of(problem_of(error), catalogue(), locale)
    found = {detail.type_url.rpartition(".")[2]: detail for detail in status.details}
    info = rich.ErrorInfo()
    assert found["ErrorInfo"].Unpack(info)
    assert (status.code, info.reason, info.domain) == (code.value[0], reason, "bayar")
    assert status.message.endswith(".")
    for kind in kinds:
        assert kind.DESCRIPTOR.name in found
    if "RetryInfo" in found:
        retry = rich.RetryInfo()
        found["RetryInfo"].Unpack(retry)
        assert timedelta(0) < retry.retry_delay.ToTimedelta() <= timedelta(minutes=1)
    if code not in (Code.UNIMPLEMENTED,) and reason != "PAYMENT_NOT_PAYABLE":
        words = rich.LocalizedMessage()
        assert found["LocalizedMessage"].Unpack(words)
        assert (words.locale, bool(words.message)) == (locale, True)


def test_every_row_of_the_table_is_tried_here() -> None:
    tried = {type(error) for error, *_ in TOLD}
    assert set(REFUSALS) == tried


def test_an_internal_error_is_reported_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    problem = problem_of(RuntimeError("4111111111111111 in the clear"))
    assert (problem.code, problem.reason) == (Code.INTERNAL, "INTERNAL")
    assert "4111" not in problem.message + str(problem.metadata)
    assert problem.metadata["incident"] in caplog.text


def test_at_most_a_hundred_violations_are_reported() -> None:
    many = application.InvalidRequest(tuple(FieldViolation(f"metadata[{n}]", Rule.REQUIRED) for n in range(5000)))
    status = status_of(problem_of(many), catalogue(), "en")
    assert status.ByteSize() < 32 * 1024
    assert "more" in status.message


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_has_a_sentence(rule: Rule) -> None:
    said = sentence(FieldViolation("a.path", rule, "7"))
    assert "a.path" not in said
    assert said.endswith(".")
    assert "{" not in said.replace("{limit}", "{")
    assert rule in SENTENCES


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("id", ["id"]),
        ("id-ID,id;q=0.9,en;q=0.8", ["id-ID", "id", "en"]),
        ("en;q=0.1, id;q=0.9", ["id", "en"]),
        ("fr;q=0, id", ["id"]),
        ("", []),
        (",,;;q=,;", []),
        ("a" * 100_000, ["a" * 100_000]),
        (",".join(["en"] * 10_000), ["en"] * 20),
    ],
)
def test_the_languages_of_a_header_are_read_most_wanted_first(header: str, expected: list[str]) -> None:
    assert list(accepted_languages(header)) == expected


@pytest.mark.parametrize(
    ("wishes", "chosen"),
    [
        ([], "en"),
        (["id"], "id"),
        (["ID-id"], "id"),
        (["in"], "id"),
        (["fr", "id"], "id"),
        (["fr"], "en"),
        (["../../etc"], "en"),
        (["*"], "en"),
    ],
)
def test_a_language_without_texts_gives_way_to_the_next(wishes: list[str], chosen: str) -> None:
    assert catalogue().choose(wishes) == chosen


def test_each_language_has_every_text() -> None:
    texts = catalogue()
    keys: Callable[[Any], set[tuple[str, str, str]]] = lambda kinds: {  # noqa: E731
        (kind, name, audience) for kind, names in kinds.items() for name, said in names.items() for audience in said
    }
    english = keys(texts._texts["en"])
    for locale in texts.locales:
        assert keys(texts._texts[locale]) == english
