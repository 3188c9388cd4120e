"""The table that maps each error to a google.rpc.Status: gRPC code, stable reason, sentence, details."""

import logging
import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as rich  # type: ignore[import-untyped]
from google.rpc import status_pb2

from adapters.grpc.errors import exceptions
from adapters.grpc.messages.catalogue import Catalogue
from adapters.grpc.messages.violation_messages import sentence
from application.common import errors as application
from application.common.errors import AuthFailure
from application.ports import gateway
from domain import errors as domain
from domain.operation import OperationKind, OperationState

_log = logging.getLogger(__name__)

DOMAIN: Final = "bayar"
# Details travel as base64 in a header, and clients accept 8 KiB of headers by default.
_MOST_DETAIL_BYTES: Final = 4000


@dataclass(frozen=True, slots=True)
class Problem:
    """The representation of one error on the wire."""

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    details: Sequence[Message] = ()


def problem_of(error: Exception) -> Problem:
    """Maps an error to its problem. An error outside the table is an internal fault: it is logged, and its text is not
    sent.
    """
    for kind, tell in _TABLE.items():
        if isinstance(error, kind):
            return tell(error)
    return _internal(error)


def reason_of(error: Exception) -> str:
    """The reason alone, for the audit log."""
    return next((tell(error).reason for kind, tell in _TABLE.items() if isinstance(error, kind)), "INTERNAL")


def status_of(problem: Problem, catalogue: Catalogue, locale: str) -> status_pb2.Status:
    """The google.rpc.Status of the problem, with the localized sentence if there is one."""
    info = rich.ErrorInfo(reason=problem.reason, domain=DOMAIN, metadata=problem.metadata)
    status = status_pb2.Status(code=problem.code.value[0], message=problem.message)
    for detail in (info, *problem.details):
        status.details.add().Pack(detail)
    try:
        text = catalogue.text(locale, "error", problem.reason.lower(), "caller")
    except KeyError:
        return status
    status.details.add().Pack(rich.LocalizedMessage(locale=locale, message=text))
    return status


def _invalid(error: application.InvalidRequest) -> Problem:
    violations = []
    room = _MOST_DETAIL_BYTES
    for violation in error.violations:
        violation = rich.BadRequest.FieldViolation(
            field=violation.field, description=sentence(violation), reason=violation.rule.name
        )
        room -= violation.ByteSize() + 4
        if room < 0:
            break
        violations.append(violation)
    message = "The request is not valid. " + " ".join(f"{one.field} {one.description}" for one in violations[:5])
    if len(error.violations) > 5:
        message += f" And {len(error.violations) - 5} more."
    details = [rich.BadRequest(field_violations=violations)]
    return Problem(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", message, details=details)


def _undecodable(_: exceptions.UndecodableRequest) -> Problem:
    what = "The request cannot be decoded as a message of this contract. Use stubs of the current protos."
    violation = rich.BadRequest.FieldViolation(field="", description=what, reason="UNDECODABLE")
    details = [rich.BadRequest(field_violations=[violation])]
    return Problem(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", what, details=details)


def _not_found(error: application.NotFound) -> Problem:
    name = error.kind.value.replace("_", " ")
    message = f"There is no such {name} of yours. Check the id, and that you ask the right environment."
    return Problem(grpc.StatusCode.NOT_FOUND, f"{error.kind.name}_NOT_FOUND", message)


def _request_id_reused(error: application.RequestIdReused) -> Problem:
    fields = ", ".join(error.fields)
    message = (
        f"This request_id was used before for a request that differs in: {fields}. "
        "Repeat a request exactly as it was, or make a new request_id for a new one."
    )
    return _exists("REQUEST_ID_REUSED", message, request_id=error.request_id, fields=fields)


def _reference_paid(error: application.ReferenceAlreadyPaid) -> Problem:
    known = {"payment_id": error.payment_id} if error.payment_id else {}
    named = f": {error.payment_id}" if error.payment_id else ""
    message = f"The reference has a live payment already{named}. Look at that one; a new one would pay twice."
    return _exists("REFERENCE_ALREADY_PAID", message, **known)


def _external_id_taken(error: application.ExternalIdAlreadyUsed) -> Problem:
    whose = f"Another customer of yours has this external_id: {error.customer_id}."
    return _exists("EXTERNAL_ID_TAKEN", f"{whose} Use that one, or another external_id.", customer_id=error.customer_id)


def _exists(reason: str, message: str, **metadata: str) -> Problem:
    return Problem(grpc.StatusCode.ALREADY_EXISTS, reason, message, metadata)


# By operation: the reason where it is not allowed, its name in a sentence, and the remedy.
_NOT_ALLOWED: Final = {
    OperationKind.AUTHORIZE: ("PAYMENT_NOT_PAYABLE", "Authorizing", "Make a new payment."),
    OperationKind.CAPTURE: (
        "PAYMENT_NOT_CAPTURABLE",
        "Capturing",
        "Only what is authorized and not yet captured, voided or expired can be captured.",
    ),
    OperationKind.VOID: (
        "PAYMENT_NOT_VOIDABLE",
        "Voiding",
        "Only what is held, or captured whole and not settled, can be voided. "
        "Give back what was captured with RefundPayment.",
    ),
    OperationKind.REFUND: (
        "PAYMENT_NOT_REFUNDABLE",
        "Refunding",
        "Only what was captured, is not given back already and is not disputed can be refunded. "
        "Void what is only authorized.",
    ),
    OperationKind.ADJUST: (
        "PAYMENT_NOT_ADJUSTABLE",
        "Adjusting the authorization",
        "Only an authorization of which nothing is captured can be changed. VoidPayment releases what is left after "
        "captures in part; take more with a new payment.",
    ),
}
_REMEDIES_OF_REFUSALS: Final = {
    OperationKind.VOID: " Give back what was captured with RefundPayment; what is only held runs out by itself.",
    OperationKind.ADJUST: " For less, capture less: that releases the rest. For more, take a second payment, or void "
    "this one and authorize the new amount.",
}


def _precondition(reason: str, message: str, *details: Message, **metadata: str) -> Problem:
    """A failed precondition of the resource that the first metadata entry names."""
    subject = next(iter(metadata.values()), "")
    violation = rich.PreconditionFailure.Violation(type=reason, subject=subject, description=message)
    violations = rich.PreconditionFailure(violations=[violation])
    return Problem(grpc.StatusCode.FAILED_PRECONDITION, reason, message, metadata, [violations, *details])


def _illegal(error: domain.IllegalTransition) -> Problem:
    state = error.state.name
    reason, verb, remedy = _NOT_ALLOWED[error.operation]
    message = f"{verb} is not possible while the payment is {state}. {remedy}"
    return _precondition(reason, message, payment_id=error.payment_id, state=state)


def _exceeds(error: domain.AmountExceeds) -> Problem:
    captures = error.operation is OperationKind.CAPTURE
    return _precondition(
        "AMOUNT_EXCEEDS_CAPTURABLE" if captures else "AMOUNT_EXCEEDS_REFUNDABLE",
        f"{error.asked} is more than the {error.available} that is left. Ask for less.",
        payment_id=error.payment_id,
        available_minor_units=str(error.available.minor_units),
        currency_code=error.available.currency_code,
    )


def _unchanged(error: domain.AmountUnchanged) -> Problem:
    return _precondition(
        "AMOUNT_ALREADY_AUTHORIZED",
        f"{error.amount} is authorized already, so there is nothing to change. Send the whole amount to hold, not the "
        "difference.",
        payment_id=error.payment_id,
    )


def _refused(error: application.OperationRefused) -> Problem:
    reason, _, _ = _NOT_ALLOWED[error.kind]
    remedy = _REMEDIES_OF_REFUSALS.get(error.kind, "")
    noun = "adjustment" if error.kind is OperationKind.ADJUST else error.kind.value
    message = f"The gateway refused the {noun}: {error.detail}. It had no effect.{remedy}"
    return _precondition(reason, message, payment_id=error.payment_id, operation_id=error.operation_id)


def _in_progress(error: domain.OperationInProgress) -> Problem:
    return _under_way("operation on this payment", payment_id=error.payment_id, operation_id=error.operation_id)


def _dispute_in_progress(error: domain.DisputeActionInProgress) -> Problem:
    return _under_way("answer to this dispute", dispute_id=error.dispute_id, operation_id=error.action_id)


def _under_way(other: str, **metadata: str) -> Problem:
    message = f"Another {other} is under way, and its outcome has to be known first. Try again shortly."
    return Problem(grpc.StatusCode.ABORTED, "OPERATION_IN_PROGRESS", message, metadata, [_retry_after(2)])


def _dispute_not_open(error: domain.DisputeNotOpen) -> Problem:
    state = error.state.upper()
    message = f"The dispute is {state}. Only an OPEN one can be accepted, or answered with evidence."
    return _precondition("DISPUTE_NOT_OPEN", message, dispute_id=error.dispute_id, state=state)


def _checkout_completed(error: domain.CheckoutCompleted) -> Problem:
    message = "The checkout was paid, so it cannot expire any more. Refund or void its payment."
    return _precondition("CHECKOUT_COMPLETED", message, checkout_id=error.checkout_id)


def _checkout_being_paid(error: domain.CheckoutBeingPaid) -> Problem:
    message = (
        "The shopper is paying this checkout now, and the outcome has to be known first. Try again shortly, or read "
        "the checkout."
    )
    metadata = {"checkout_id": error.checkout_id}
    return Problem(grpc.StatusCode.ABORTED, "CHECKOUT_BEING_PAID", message, metadata, [_retry_after(2)])


def _checkout_not_payable(error: domain.CheckoutNotPayable) -> Problem:
    message = "The checkout has ended, or every use of it is taken. Create a new one."
    return _precondition("CHECKOUT_NOT_PAYABLE", message, checkout_id=error.checkout_id)


def _checkout_not_served(_: application.CheckoutNotServed) -> Problem:
    message = (
        "This deployment serves no checkout page. The administrator sets BAYAR_CHECKOUT_ADDRESS and "
        "BAYAR_CHECKOUT_BASE_URL."
    )
    return _precondition("CHECKOUT_NOT_SERVED", message)


def _dispute_refused(error: application.DisputeAnswerRefused) -> Problem:
    message = f"The gateway refused that for this dispute: {error.detail}. Nothing was changed."
    return _precondition("DISPUTE_ANSWER_REFUSED", message, dispute_id=error.dispute_id)


def _payment_disputed(error: application.PaymentDisputed) -> Problem:
    which = ", ".join(error.dispute_ids)
    return _precondition(
        "PAYMENT_DISPUTED",
        f"The customer's bank claims {error.claimed} of this payment{f' by dispute {which}' if which else ''}. To give "
        f"that back as well would pay twice. {error.left} can be given back; the rest once the dispute is won.",
        payment_id=error.payment_id,
        dispute_ids=which,
        disputed_minor_units=str(error.claimed.minor_units),
        available_minor_units=str(error.left.minor_units),
        currency_code=error.claimed.currency_code,
    )


def _open_payments(error: application.CustomerHasOpenPayments) -> Problem:
    message = (
        "The outcome of a payment or payment method of this customer is not known yet. Delete the customer afterwards."
    )
    return _precondition("CUSTOMER_HAS_OPEN_PAYMENTS", message, _retry_after(60), customer_id=error.customer_id)


def _already_resolved(error: application.OperationAlreadyResolved) -> Problem:
    message = f"The operation is {error.state.name}: its outcome is known, and there is nothing to settle."
    if error.state is OperationState.SCHEDULED:
        message = (
            "The operation is SCHEDULED: it is sent once its payment has settled. CHECK_NOW shows whether it was sent."
        )
    return _precondition("OPERATION_ALREADY_RESOLVED", message, operation_id=error.operation_id, state=error.state.name)


def _may_still_happen(error: application.MayStillHappen) -> Problem:
    seconds = math.ceil(error.retry_after.total_seconds())
    return _precondition(
        "OPERATION_MAY_STILL_HAPPEN",
        f"The operation may be on its way to the gateway, or not be shown there yet. In {seconds} seconds it can be "
        "settled by hand; CHECK_NOW is possible at any time. Nothing was changed.",
        _retry_after(seconds),
        operation_id=error.operation_id,
        retry_after_seconds=str(seconds),
    )


def _contradicted(error: application.ContradictedByGateway) -> Problem:
    message = f"That cannot be recorded: {error.detail}. Nothing was changed."
    return _precondition("CONTRADICTED_BY_GATEWAY", message, operation_id=error.operation_id)


def _held(error: application.ServiceHeld) -> Problem:
    why = f" ({error.reason})" if error.reason else ""
    message = (
        f"An administrator holds the service until its record is reconciled with the gateway{why}. Nothing was done. "
        "Reads are answered; send the same request again once it is released."
    )
    return Problem(grpc.StatusCode.UNAVAILABLE, "SERVICE_HELD", message, details=[_retry_after(30)])


def _movements_incomplete(_error: application.MovementsIncomplete) -> Problem:
    message = (
        "The service still records the movements of payments that an earlier version made, and an export now would "
        "lack them. Try again in some minutes."
    )
    return _precondition("MOVEMENTS_INCOMPLETE", message, _retry_after(60))


def _too_many_orphans(error: application.TooManyOrphans) -> Problem:
    return _precondition(
        "TOO_MANY_ORPHANS",
        f"The window holds {error.count} orphans, and max_reversals allows {error.most}. Nothing was reversed. Look at "
        "them with ORPHAN_POLICY_REPORT; where all of them are yours to give back, send their number as max_reversals.",
        orphan_count=str(error.count),
        max_reversals=str(error.most),
    )


def _method_not_active(error: application.MethodNotActive) -> Problem:
    state = error.state.name
    message = f"The payment method is {state}. Only an ACTIVE one can be changed."
    return _precondition("PAYMENT_METHOD_NOT_ACTIVE", message, payment_method_id=error.payment_method_id, state=state)


def _method_refused(error: application.MethodRefused) -> Problem:
    message = f"The gateway refused the change: {error.detail}. Nothing was changed; correct it and try again."
    return _precondition("PAYMENT_METHOD_CHANGE_REFUSED", message)


def _gateway_refused(error: gateway.GatewayRefused) -> Problem:
    message = f"The gateway refused this: {error}. Nothing was changed. It says nothing of the customer's card."
    return _precondition("GATEWAY_REFUSED_REQUEST", message)


def _exhausted(reason: str, message: str, retry_seconds: float | None = None, **metadata: str) -> Problem:
    details = [] if retry_seconds is None else [_retry_after(retry_seconds)]
    return Problem(grpc.StatusCode.RESOURCE_EXHAUSTED, reason, message, metadata, details)


def _authentication_required(error: application.AuthenticationRequired) -> Problem:
    why = (
        "The customer's 3-D Secure authentication failed"
        if error.has_failed
        else "This payment needs 3-D Secure, and the request has no authentication"
    )
    return Problem(
        grpc.StatusCode.FAILED_PRECONDITION,
        "AUTHENTICATION_REQUIRED",
        f"{why}, so nothing was charged. Authenticate the customer in the browser or app, then send the request with "
        "the nonce or the authentication id that comes from it, or with another provider's result.",
        {"authentication": "failed" if error.has_failed else "missing"},
    )


def _too_many_declines(error: application.TooManyDeclines) -> Problem:
    seconds = math.ceil(error.retry_after.total_seconds())
    whose = error.scope.value.replace("_", " ")
    message = (
        f"There were too many declined or verified cards for this {whose} lately, so nothing was tried, recorded or "
        f"charged. Try again in {seconds} seconds, not sooner. If it was no attack, an administrator lifts the block: "
        "`bayar blocks lift`, or LiftAbuseBlock."
    )
    return _exhausted("TOO_MANY_DECLINES", message, seconds, scope=error.scope.name, retry_after_seconds=str(seconds))


_CREDENTIAL: Final = {
    AuthFailure.MISSING: 'Say who calls: send the metadata "authorization: Bearer ..." with a token, or with an API '
    "key, which `bayar keys create` issues.",
    AuthFailure.INVALID: 'The credential is not accepted. Send "authorization: Bearer ..." once, with a whole API key '
    "or token that was issued for this service.",
    AuthFailure.EXPIRED: "The credential has expired. Get a new one.",
    AuthFailure.REVOKED: "The API key was revoked. Use another one: `bayar keys create` issues it.",
    AuthFailure.NOT_YET_VALID: "The token is not valid yet. Compare the clocks of its issuer and of this service.",
    AuthFailure.WRONG_ISSUER: "The token is from an issuer that this service does not trust. Get one from the right "
    "issuer.",
    AuthFailure.WRONG_AUDIENCE: "The token is meant for another service. Ask its issuer for one with the audience of "
    "this service.",
    AuthFailure.INCOMPLETE: "The token is genuine, but its claims for the caller, the scopes or the customer are "
    "missing or malformed. docs/operate/access.md lists the claims.",
}


def _not_authenticated(error: application.NotAuthenticated) -> Problem:
    reason = f"CREDENTIAL_{error.refusal.name}"
    return Problem(grpc.StatusCode.UNAUTHENTICATED, reason, _CREDENTIAL[error.refusal])


def _scope_missing(error: application.ScopeMissing) -> Problem:
    scope = error.scope.value
    message = f'This call needs the scope "{scope}", which the credential does not have. Use one that has it.'
    return Problem(grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING", message, {"scope": scope})


def _right_missing(error: application.OperatorRightMissing) -> Problem:
    denied = grpc.StatusCode.PERMISSION_DENIED
    if error.right is None:
        message = "No operator may make this call: it is the caller's own, with a credential of the caller."
        return Problem(denied, "OPERATOR_RIGHT_MISSING", message)
    right = error.right.value
    message = f'This call needs the operator right "{right}", which you do not have. An administrator grants it: '
    message += "`bayar operators change`."
    if error.missing:
        message += f" It also needs the metadata {' and '.join(error.missing)}: the caller that you act for, and why."
    return Problem(denied, "OPERATOR_RIGHT_MISSING", message, {"right": right, "missing": " ".join(error.missing)})


def _on_behalf_incomplete(error: application.OnBehalfIncomplete) -> Problem:
    violations = [
        rich.BadRequest.FieldViolation(field=one.field, description=sentence(one), reason=one.rule.name)
        for one in error.violations
    ]
    right = error.right.value if error.right is not None else ""
    message = (
        f'An operator acts on behalf of a caller, with the right "{right}" and for a reason: send the metadata '
        "bayar-on-behalf-of and bayar-reason. " + " ".join(f"{one.field} {one.description}" for one in violations)
    )
    details = [rich.BadRequest(field_violations=violations)]
    return Problem(grpc.StatusCode.INVALID_ARGUMENT, "ON_BEHALF_INCOMPLETE", message, {"right": right}, details)


def _not_an_operator(_: application.NotAnOperator) -> Problem:
    message = (
        "Only an operator acts on behalf of a caller, and this credential is no person's. Leave out the metadata "
        "bayar-on-behalf-of and bayar-reason, or use a credential of an operator: `bayar operators add`."
    )
    return Problem(grpc.StatusCode.PERMISSION_DENIED, "NOT_AN_OPERATOR", message)


def _not_for_customers(_: application.NotForCustomers) -> Problem:
    message = "A credential of one customer cannot do this. The back end has to do it, with its own credential."
    return Problem(grpc.StatusCode.PERMISSION_DENIED, "NOT_FOR_CUSTOMERS", message)


def _rate_limited(error: exceptions.RateLimited) -> Problem:
    message = (
        "The caller exceeds its rate limit, so nothing was done. Send the same request again after the time in "
        "RetryInfo, and spread the calls."
    )
    return _exhausted("RATE_LIMITED", message, error.wait_seconds)


def _too_many_failed_logins(error: exceptions.TooManyFailedLogins) -> Problem:
    message = (
        "Too many calls from your address showed credentials that are not accepted, so this one was not checked. "
        "Correct the credential first."
    )
    return _exhausted("TOO_MANY_FAILED_LOGINS", message, error.wait_seconds)


def _reader_too_slow(error: exceptions.ReaderTooSlow) -> Problem:
    message = (
        f"Nothing of the stream was read for {error.seconds:g} s, so it was ended. Open it again, where it left off, "
        "and read what comes before you work on it."
    )
    return Problem(grpc.StatusCode.UNAVAILABLE, "STREAM_READ_TOO_SLOWLY", message, details=[_retry_after(1)])


def _too_much_unread(error: exceptions.TooMuchUnread) -> Problem:
    message = (
        f"Answers of more than {error.limit >> 20} MiB wait for you to read them. Read them, or give up those calls; "
        "and ask for smaller pages."
    )
    return _exhausted("ANSWERS_UNREAD", message, 1, limit_bytes=str(error.limit))


def _too_many_streams(error: exceptions.TooManyStreams) -> Problem:
    message = f"You have {error.limit} streams open, and may have no more. Close what you do not read, or watch less."
    return _exhausted("TOO_MANY_STREAMS", message, 5, limit=str(error.limit))


def _overloaded(_: exceptions.Overloaded) -> Problem:
    message = (
        "This replica of the service has as much to do as it can, so nothing was done. "
        "Send the same request again, with the same request_id."
    )
    return _exhausted("OVERLOADED", message, 1)


def _too_large(error: exceptions.RequestTooLarge) -> Problem:
    message = f"The request is too large: this call takes at most {error.limit:,} bytes. Shorten its texts."
    return _exhausted("REQUEST_TOO_LARGE", message, limit_bytes=str(error.limit))


def _too_long(error: exceptions.CallTooLong) -> Problem:
    message = (
        f"There was no answer within {error.seconds:g} seconds, the longest wait of this service. The work goes on: "
        "send the same request again, with the same request_id."
    )
    return Problem(grpc.StatusCode.DEADLINE_EXCEEDED, "CALL_TOO_LONG", message, details=[_retry_after(5)])


def _unavailable(reason: str, message: str, retry_seconds: int) -> Callable[[Any], Problem]:
    problem = Problem(grpc.StatusCode.UNAVAILABLE, reason, message, details=[_retry_after(retry_seconds)])
    return lambda _: problem


def _internal(error: Exception) -> Problem:
    incident = secrets.token_hex(6)
    _log.error("incident %s", incident, exc_info=error)
    message = (
        "A fault in the service, not in your request. Nothing is known to have been done or declined: read the "
        f"payment, or send the same request again. Report incident {incident}."
    )
    return Problem(grpc.StatusCode.INTERNAL, "INTERNAL", message, {"incident": incident})


def _retry_after(seconds: float) -> rich.RetryInfo:
    """Rounded up to milliseconds: an earlier retry would be refused again."""
    delay = Duration()
    delay.FromMilliseconds(math.ceil(seconds * 1000))
    return rich.RetryInfo(retry_delay=delay)


# Subclasses come before their bases.
_TABLE: Final[dict[type[Exception], Callable[[Any], Problem]]] = {
    application.InvalidRequest: _invalid,
    exceptions.UndecodableRequest: _undecodable,
    application.NotAuthenticated: _not_authenticated,
    application.ScopeMissing: _scope_missing,
    application.OperatorRightMissing: _right_missing,
    application.OnBehalfIncomplete: _on_behalf_incomplete,
    application.NotAnOperator: _not_an_operator,
    application.NotForCustomers: _not_for_customers,
    application.NotFound: _not_found,
    application.RequestIdReused: _request_id_reused,
    application.ReferenceAlreadyPaid: _reference_paid,
    application.ExternalIdAlreadyUsed: _external_id_taken,
    application.OperationRefused: _refused,
    application.PaymentDisputed: _payment_disputed,
    application.DisputeAnswerRefused: _dispute_refused,
    domain.DisputeNotOpen: _dispute_not_open,
    domain.DisputeActionInProgress: _dispute_in_progress,
    domain.CheckoutCompleted: _checkout_completed,
    domain.CheckoutBeingPaid: _checkout_being_paid,
    domain.CheckoutNotPayable: _checkout_not_payable,
    application.CheckoutNotServed: _checkout_not_served,
    application.CustomerHasOpenPayments: _open_payments,
    application.OperationAlreadyResolved: _already_resolved,
    application.MayStillHappen: _may_still_happen,
    application.ContradictedByGateway: _contradicted,
    application.MovementsIncomplete: _movements_incomplete,
    application.TooManyOrphans: _too_many_orphans,
    application.ServiceHeld: _held,
    application.MethodNotActive: _method_not_active,
    application.MethodRefused: _method_refused,
    application.AuthenticationRequired: _authentication_required,
    application.TooManyDeclines: _too_many_declines,
    domain.IllegalTransition: _illegal,
    domain.AmountExceeds: _exceeds,
    domain.AmountUnchanged: _unchanged,
    domain.OperationInProgress: _in_progress,
    gateway.GatewayRefused: _gateway_refused,
    gateway.GatewayRefusedCredentials: _unavailable(
        "GATEWAY_REFUSED_CREDENTIALS",
        "The payment gateway refuses this service's own credentials. Nothing was charged. "
        "The administrator has to correct them; then send the same request again.",
        60,
    ),
    gateway.RefundIncomplete: _unavailable(
        "REFUND_INCOMPLETE",
        "A part of the refund was given back or is under way; for the rest the payment gateway could not be reached. "
        "Send the same request again, with the same request_id: it sends only what is missing.",
        5,
    ),
    gateway.GatewayNotReached: _unavailable(
        "GATEWAY_UNREACHABLE",
        "The payment gateway could not be reached, so surely nothing was sent and nothing was charged. "
        "Send the same request again, with the same request_id.",
        5,
    ),
    gateway.GatewayUnavailable: _unavailable(
        "GATEWAY_UNAVAILABLE", "The payment gateway did not answer. Nothing was changed in our record. Try again.", 5
    ),
    application.StoreUnavailable: _unavailable(
        "STORE_UNAVAILABLE",
        "The service's database does not answer. The request may or may not have been recorded: "
        "send the same request again, with the same request_id; it has no second effect.",
        5,
    ),
    application.RecordTooNew: _unavailable(
        "STORE_UNAVAILABLE",
        "A newer version of the service wrote this record, and this replica cannot read it. Send the same request "
        "again, with the same request_id: a replica of that version answers it.",
        1,
    ),
    exceptions.ServiceStopping: _unavailable(
        "SERVICE_STOPPING",
        "This replica of the service is being stopped. Open the stream again, or send the same request again with the "
        "same request_id.",
        1,
    ),
    exceptions.StreamTooLong: _unavailable(
        "STREAM_ENDED", "No stream is open for longer than this one was. Open it again, where it left off.", 1
    ),
    exceptions.ReaderTooSlow: _reader_too_slow,
    exceptions.TooMuchUnread: _too_much_unread,
    exceptions.RateLimited: _rate_limited,
    exceptions.TooManyFailedLogins: _too_many_failed_logins,
    exceptions.TooManyStreams: _too_many_streams,
    exceptions.Overloaded: _overloaded,
    exceptions.RequestTooLarge: _too_large,
    exceptions.CallTooLong: _too_long,
    application.CredentialsUnavailable: _unavailable(
        "CREDENTIALS_UNAVAILABLE",
        "The keys of the token issuer are not available, so the token cannot be verified. Try again.",
        5,
    ),
}
REFUSALS: Final = tuple(_TABLE)
