"""Idempotent execution of requests that move money, in three steps: record, call the gateway, record the outcome.

No transaction is open during the call. If the process dies at any point, the operation stays STARTED, and the resolver
finishes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.errors import OperationRefused, ReferenceAlreadyPaid, RequestIdReused
from application.common.lease import Lease, steady_seconds
from application.idempotency.fingerprint import Fingerprinter, differing_fields
from application.idempotency.in_flight_requests import InFlightRequests, Key
from application.idempotency.standing_refusals import STANDING, StandingRefusal, refusal_from_fields, refusal_to_fields
from application.payments.payment_access import owned_payment
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.record_outcome import record_failure, record_outcome
from application.ports.gateway import GatewayNotReached, GatewayRefusedCredentials, Outcome, RefundIncomplete, Unknown
from application.ports.runtime import Clock, IdSource
from application.ports.store import DetachedPayment, ReferenceTaken, RequestRecord, Store, UnitOfWork
from domain.events import EventContext
from domain.ids import OPERATION, OperationId, PaymentId, RequestId
from domain.operation import FailureReason, Operation, OperationKind, OperationState
from domain.payment import Payment

Begin = Callable[[UnitOfWork, Payment | None, OperationId, EventContext], tuple[Payment, Operation]]
Call = Callable[[Payment, Operation, Lease], Outcome]


@dataclass(frozen=True, slots=True)
class Request:
    """A request that changes something, identified for idempotency.

    `fields` holds all of its content, except card numbers and security codes.
    """

    caller: Caller
    request_id: RequestId
    method: str
    fields: Mapping[str, object]

    @property
    def key(self) -> Key:
        return self.caller.idempotency_scope, self.request_id


@dataclass(frozen=True, slots=True)
class PaymentExecutor:
    """Sends a request to the gateway at most once. Repeats get its present outcome."""

    store: Store
    clock: Clock
    ids: IdSource
    in_flight: InFlightRequests
    fingerprinter: Fingerprinter
    # The time that a call may take before the resolver looks for its outcome. Longer than the gateway's timeout.
    lease: timedelta
    # The delay of the resolver's first check after a lost answer.
    first_check: timedelta
    # A monotonic clock, unaffected by changes of the wall clock.
    steady_seconds: Callable[[], float] = steady_seconds
    follow: SettlementPollPolicy = SettlementPollPolicy()

    def begin_lease(self) -> Lease:
        """Starts before the operation is recorded, so that it ends before others may check the operation."""
        return Lease(self.steady_seconds, self.steady_seconds() + self.lease.total_seconds())

    def stamp(self, caller: Caller) -> EventContext:
        return EventContext(self.clock.now(), caller.actor)

    def record_of(self, request: Request, resource_id: str, stamp: EventContext) -> RequestRecord:
        return RequestRecord(
            caller_id=request.caller.idempotency_scope,
            request_id=request.request_id,
            method=request.method,
            resource_id=resource_id,
            fingerprint=self.fingerprinter.of({"method": request.method, **request.fields}),
            create_time=stamp.time,
        )

    def claim(self, work: UnitOfWork, record: RequestRecord) -> RequestRecord | None:
        """Returns the earlier record of the same request, or None for a new one.

        Raises RequestIdReused, or the standing refusal that answers the request.
        """
        earlier = work.requests.claim(record)
        if earlier is not None:
            _check_earlier(earlier, record)
        return earlier

    def is_repeat(self, work: UnitOfWork, request: Request) -> bool:
        """Whether the request was executed before. Raises what `claim` raises."""
        return self.earlier(work, request) is not None

    def earlier(self, work: UnitOfWork, request: Request) -> RequestRecord | None:
        """The record of an earlier equal request, or None. Raises what `claim` raises."""
        earlier = work.requests.get(request.caller.idempotency_scope, request.request_id)
        if earlier is not None:
            _check_earlier(earlier, self.record_of(request, earlier.resource_id, self.stamp(request.caller)))
        return earlier

    @retry_on_conflict
    def refuse(self, request: Request, payment_id: PaymentId, refusal: StandingRefusal) -> Payment:
        """Records the refusal as the permanent answer to the request, and raises it.

        Returns the payment if the same request was executed since the refusal. Raises NotFound if the credential does
        not reach the payment any more: another credential of the same caller was refused.
        """
        stamp = self.stamp(request.caller)
        kept = refusal_to_fields(refusal)
        with self.store.begin(stamp.actor) as work:
            refused = work.payments.get(payment_id)
            if refused is not None:
                owned_payment(refused, payment_id, request.caller)
            earlier = self.claim(work, replace(self.record_of(request, payment_id, stamp), refusal=kept))
            if earlier is not None:
                payment = locked(work, PaymentId(earlier.resource_id))
                if not may_try_again(payment, request):
                    return payment
                work.requests.refuse(*request.key, kept)
        raise refusal

    def execute(self, request: Request, payment_id: PaymentId, begin: Begin, call: Call) -> Payment:
        """Executes the three steps for a request that makes one call.

        `begin` gets the locked payment, or None when it is to be created, and starts the operation. `call` asks the
        gateway under the lease. Raises what `begin` raises, GatewayNotReached, NotFound, RequestIdReused,
        ReferenceAlreadyPaid and OperationRefused. A standing refusal also answers every repeat.
        """
        operation_id = OperationId(self.ids.new(OPERATION))
        lease = self.begin_lease()
        with self.in_flight.track(request.key):
            try:
                payment, begun = self._record_start(request, payment_id, operation_id, begin)
            except STANDING as refusal:
                payment, begun = self.refuse(request, payment_id, refusal), None
            if begun is not None:
                started, kept = begun
                payment = self.call_gateway(
                    payment, started, lambda: call(payment, started, lease), request.caller, kept=kept
                )
                return self.answer(payment, request)
        return self.repeat(payment, request)

    def call_gateway(
        self,
        payment: Payment,
        operation: Operation,
        call: Callable[[], Outcome],
        caller: Caller,
        *,
        waiting: Sequence[Operation] = (),
        kept: DetachedPayment | None = None,
    ) -> Payment:
        """Executes the second and third step. Raises GatewayNotReached once the failure is recorded.

        `waiting` are the operations to send next. If this one cannot be sent, they surely are not sent either, and fail
        in the same transaction: after a crash between two transactions, the request would be neither done nor retried.

        `kept` is the payment as the first step left it, which saves a read.
        """
        payment_id, operation_id = payment.terms.payment_id, operation.operation_id
        try:
            outcome = call()
        except GatewayNotReached as failure:
            refused = isinstance(failure, GatewayRefusedCredentials)
            reason = FailureReason.GATEWAY_REFUSED_CREDENTIALS if refused else FailureReason.GATEWAY_UNREACHABLE
            self._record_unsent(payment_id, [operation_id, *(one.operation_id for one in waiting)], reason, caller)
            raise
        return self.record(payment_id, operation_id, outcome, caller, kept)

    @retry_on_conflict
    def _record_unsent(
        self, payment_id: PaymentId, unsent: Sequence[OperationId], reason: FailureReason, caller: Caller
    ) -> None:
        with self.store.begin() as work:
            payment = locked(work, payment_id)
            for operation_id in unsent:
                if payment.operation(operation_id).state is OperationState.STARTED:
                    record_failure(work, payment, operation_id, reason, "", self.stamp(caller))

    @retry_on_conflict
    def record(
        self,
        payment_id: PaymentId,
        operation_id: OperationId,
        outcome: Outcome,
        caller: Caller,
        kept: DetachedPayment | None = None,
    ) -> Payment:
        """Records the outcome: the third step."""
        stamp = self.stamp(caller)
        with self.store.begin(stamp.actor) as work:
            payment = (work.payments.reattach(kept) if kept is not None else None) or locked(work, payment_id)
            if isinstance(outcome, Unknown):
                payment.schedule_check(operation_id, stamp.time + self.first_check)
            record_outcome(work, payment, operation_id, outcome, stamp, self.follow)
        return payment

    def repeat(self, payment: Payment, request: Request) -> Payment:
        """Answers a repeated request: waits for a first one that is running, then returns the payment as it is now."""
        self.in_flight.wait(request.key, self.lease.total_seconds())
        return self.answer_now(payment, request)

    def answer_now(self, payment: Payment, request: Request) -> Payment:
        """The answer from the present record. Raises what `answer` raises."""
        with self.store.read() as work:
            current = work.payments.get(payment.terms.payment_id)
        return self.answer(current or payment, request)

    def answer(self, payment: Payment, request: Request) -> Payment:
        """The payment, if what the request asked for had an effect, or may have.

        Raises OperationRefused where the gateway refused it, GatewayNotReached where it was never sent, and
        RefundIncomplete where a part of it was not sent.
        """
        operations = payment.operations_of(request.request_id)
        if payment.refunded_by(request.request_id) and not payment.refundable_amount:
            # A part could not be sent, and another request refunded the rest.
            return payment
        match operations[-1].failure_reason if operations else None:
            # The same request sends the missing part.
            case FailureReason.GATEWAY_UNREACHABLE | FailureReason.GATEWAY_REFUSED_CREDENTIALS if payment.refunded_by(
                request.request_id
            ):
                raise RefundIncomplete
            case FailureReason.GATEWAY_REFUSED_CREDENTIALS:
                raise GatewayRefusedCredentials
            case FailureReason.GATEWAY_UNREACHABLE:
                raise GatewayNotReached
        if all(o.state is OperationState.FAILED for o in operations):
            for o in operations:
                if o.failure_reason is FailureReason.GATEWAY_REFUSED_REQUEST and o.target_transaction_id:
                    # A refund that was tried as a void is still reported as a refund.
                    asked = OperationKind.REFUND if o.for_refund else o.kind
                    raise OperationRefused(payment.terms.payment_id, o.operation_id, asked, o.failure_detail)
        return payment

    def _shown(self, payment_id: PaymentId, caller: Caller) -> PaymentId | None:
        """The id, unless it is another customer's payment."""
        if caller.customer_id is None:
            return payment_id
        with self.store.read() as work:
            payment = work.payments.get(payment_id)
        shown = payment is not None and caller.owns(payment.terms.caller_id, payment.terms.customer_id)
        return payment_id if shown else None

    @retry_on_conflict
    def _record_start(
        self, request: Request, payment_id: PaymentId, operation_id: OperationId, begin: Begin
    ) -> tuple[Payment, tuple[Operation, DetachedPayment] | None]:
        """The first step. Returns the payment, and any started operation with the payment to reattach in the third."""
        stamp = self.stamp(request.caller)
        try:
            with self.store.begin(stamp.actor) as work:
                earlier = self.claim(work, self.record_of(request, payment_id, stamp))
                payment = None
                if earlier is not None:
                    # Another credential of the same caller may reach more than this one.
                    payment = locked(work, PaymentId(earlier.resource_id))
                    owned_payment(payment, earlier.resource_id, request.caller)
                    if not may_try_again(payment, request):
                        return payment, None
                payment, operation = begin(work, payment, operation_id, stamp)
                payment.schedule_check(operation.operation_id, stamp.time + self.lease)
                if earlier is None and payment.operations[0].operation_id == operation_id:
                    work.payments.add(payment)
                else:
                    work.payments.save(payment)
                kept = work.payments.keep(payment)
        except ReferenceTaken as taken:
            reference = str(request.fields.get("reference", ""))
            raise ReferenceAlreadyPaid(reference, self._shown(taken.payment_id, request.caller)) from None
        return payment, (operation, kept)


def _check_earlier(earlier: RequestRecord, later: RequestRecord) -> None:
    """Raises RequestIdReused where they differ, or the standing refusal that answers both."""
    differing = differing_fields(earlier.fingerprint, later.fingerprint)
    if differing:
        raise RequestIdReused(later.request_id, differing)
    if earlier.refusal is not None:
        raise refusal_from_fields(earlier.refusal)


def may_try_again(payment: Payment, request: Request) -> bool:
    """Whether the request's last attempt surely was never sent."""
    operations = payment.operations_of(request.request_id)
    reason = operations[-1].failure_reason if operations else None
    return not operations or (reason is not None and reason.surely_not_sent)


def locked(work: UnitOfWork, payment_id: PaymentId) -> Payment:
    """The payment, locked. It exists: a row of ours references it."""
    payment = work.payments.get(payment_id, lock=True)
    if payment is None:
        raise RuntimeError(f"{payment_id} is gone")
    return payment
