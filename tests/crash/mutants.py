"""Bugs that are planted in the service, one at a time. The storm's checker must see each of them.

Only the launcher of the tests' own victims plants them, by replacing functions before the service starts. A mutant
strikes with a probability, so that most of its life is innocent.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import delete

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.transport import PooledTransport
from adapters.grpc.dispute_servicer import DisputeServicer
from adapters.grpc.event_servicer import EventServicer
from adapters.grpc.payment_method_servicer import PaymentMethodServicer
from adapters.grpc.payment_servicer import PaymentServicer
from adapters.grpc.translate.resources import Voice
from adapters.persistence.feed import SqlFeed
from adapters.persistence.tables import feed_events
from application import exactly_once, outside, process_notifications
from application.absence import AbsenceWatch
from application.exactly_once import ExactlyOnce
from application.lease import Lease
from application.outcomes import record_outcome
from application.ports.gateway import Approved, Declined, DisputeAnswered, Nonce, Stored, StoredMethod, Unknown
from application.ports.notifications import NotificationOutcome
from application.process_notifications import ProcessNotifications
from application.read_feed import ReadFeed
from application.record_dispute import RecordDispute
from application.resolve_operations import ResolveOperations
from bayar.payments.v1.dispute_pb2 import DisputeState
from bayar.payments.v1.payment_method_pb2 import PaymentMethodState
from bayar.payments.v1.payment_pb2 import OperationState, PaymentState
from domain.decline import CATALOGUE, DeclineReason
from domain.dispute import DisputeState as State
from domain.ids import RequestId
from domain.operation import FailureReason
from domain.operation_log import OperationLog
from domain.payment import Payment
from domain.transaction import TransactionStatus

Plant = Callable[[], None]

_PROBABILITY: Final = 0.3
_ONE_OF: Final = 15
# Names of the columns in which a finding counts.
DOUBLE_CHARGES: Final = "double charges"
DOUBLE_SENDS: Final = "double sends"
LOST: Final = "lost payments"
STATES: Final = "wrong states"
ANSWERS: Final = "wrong answers"
FEED: Final = "feed errors"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted bug, the column that must show it, and whether the short run of `make test` plants it."""

    name: str
    column: str
    plant: Plant
    is_quick: bool = False
    # What breaks while it lives, beside the answers that are always lost now and then.
    faults: Sequence[dict[str, Any]] = ()


def plant(name: str) -> None:
    """Plants the mutant of this name in this process."""
    next(mutant for mutant in ALL if mutant.name == name).plant()


def _strikes() -> bool:
    return random.random() < _PROBABILITY  # noqa: S311


def _instead(owner: Any, name: str, mutate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Plant:
    """Replaces a function by what becomes of it. Fails where there is none of this name any more."""

    def do() -> None:
        setattr(owner, name, mutate(getattr(owner, name)))

    return do


def _all(*plants: Plant) -> Plant:
    def do() -> None:
        for each in plants:
            each()

    return do


# Sent twice ----------------------------------------------------------------------------------------------------------


def _twice(owner: Any, name: str, when: Callable[..., bool] = lambda *_: True, probability: float = 1.0) -> Plant:
    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def send(*arguments: Any) -> Any:
            first = original(*arguments)
            if when(*arguments) and random.random() < probability:  # noqa: S311
                original(*arguments)
            return first

        return send

    return _instead(owner, name, mutate)


def _by_the_resolver(*_: Any) -> bool:
    return not threading.current_thread().name.startswith("call")


def _by_a_caller(*_: Any) -> bool:
    return not _by_the_resolver()


def _pays_with(kind: type) -> Callable[..., bool]:
    return lambda _, authorization: isinstance(authorization.source, kind)


def _sent_again_if(kind: type) -> Plant:
    """A sale that had this outcome is tried once more under the same operation."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def send(*arguments: Any) -> Any:
            outcome = original(*arguments)
            return original(*arguments) if isinstance(outcome, kind) else outcome

        return send

    return _instead(BraintreeAdapter, "authorize", mutate)


def _resend_lost_answers(original: Callable[..., Any]) -> Callable[..., Any]:
    def http_do(*arguments: Any) -> Any:
        try:
            return original(*arguments)
        except Exception as failure:
            if type(failure).__name__ != "AnswerLost":
                raise
            return original(*arguments)

    return http_do


# Told otherwise ------------------------------------------------------------------------------------------------------


def _told(change: Callable[[Any], None]) -> Plant:
    """Every message of a payment is changed now and then, on its way out."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def payment(*arguments: Any) -> Any:
            message = original(*arguments)
            if _strikes():
                change(message)
            return message

        return payment

    return _instead(Voice, "payment", mutate)


def _state_for(told: int, *true: int) -> Callable[[Any], None]:
    def change(message: Any) -> None:
        if message.state in true:
            message.state = told

    return change


def _amount(name: str) -> Callable[[Any], None]:
    def change(message: Any) -> None:
        amount = getattr(message, name)
        if amount.minor_units:
            amount.minor_units += 1

    return change


def _pending_as_failed(message: Any) -> None:
    for operation in message.operations:
        if operation.state == OperationState.OPERATION_STATE_STARTED:
            operation.state = OperationState.OPERATION_STATE_FAILED
            message.state = PaymentState.PAYMENT_STATE_FAILED


def _started_as_succeeded(message: Any) -> None:
    for operation in message.operations:
        if operation.state == OperationState.OPERATION_STATE_STARTED:
            operation.state = OperationState.OPERATION_STATE_SUCCEEDED


def _without_last_operation(message: Any) -> None:
    if len(message.operations) > 1:
        del message.operations[-1]


def _first_answer_for_ever(original: Callable[..., Any]) -> Callable[..., Any]:
    """A cache that nobody clears."""
    first: dict[str, Any] = {}

    def get(self: Any, request: Any, context: Any) -> Any:
        return first.setdefault(request.payment_id, original(self, request, context))

    return get


def _leave_one_out(field: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*arguments: Any) -> Any:
            message = original(*arguments)
            items = getattr(message, field)
            if len(items) > 1:
                del items[len(items) // 2]
            return message

        return answer

    return mutate


def _methods_are_active(original: Callable[..., Any]) -> Callable[..., Any]:
    def message(*arguments: Any) -> Any:
        told = original(*arguments)
        if told.state != PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE:
            told.state = PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE
        return told

    return message


# Repeats -------------------------------------------------------------------------------------------------------------


def _repeat_by_latest(original: Callable[..., Any]) -> Callable[..., Any]:
    """A repeat is answered with the payment that was repeated before it."""
    latest: list[Any] = []

    def answer(self: Any, payment: Any, request: Any) -> Any:
        own = original(self, payment, request)
        latest.append(own)
        return latest[-2] if len(latest) > 1 else own

    return answer


def _repeats_are_refused(original: Callable[..., Any]) -> Callable[..., Any]:
    from application.errors import ReferenceAlreadyPaid

    def answer(self: Any, payment: Any, request: Any) -> Any:
        if request.method == "CreatePayment" and _strikes():
            raise ReferenceAlreadyPaid(payment.terms.reference, payment.terms.payment_id)
        return original(self, payment, request)

    return answer


def _forget_request_ids() -> None:
    """Each request is recorded under an id that nobody sends again."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def record_of(*arguments: Any) -> Any:
            return replace(original(*arguments), request_id=RequestId(str(uuid.uuid4())))

        return record_of

    _instead(ExactlyOnce, "record_of", mutate)()


def _references_are_never_taken() -> None:
    setattr(Payment, "is_live", _property(lambda _: False))  # noqa: B010


# Not done, not kept --------------------------------------------------------------------------------------------------


def _pretended(name: str, status: TransactionStatus) -> Plant:
    """It is never sent, and recorded as done."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def pretend(self: Any, asked: Any) -> Any:
            found = self.find_transaction(asked.transaction_id) if _strikes() else None
            if found is None or getattr(asked, "in_part", False):
                return original(self, asked)
            return Approved(replace(found, standing=replace(found.standing, status=status)))

        return pretend

    return _instead(BraintreeAdapter, name, mutate)


def _pretended_refund(original: Callable[..., Any]) -> Callable[..., Any]:
    def refund(self: Any, asked: Any) -> Any:
        found = self.find_transaction(asked.transaction_id) if _strikes() else None
        if found is None:
            return original(self, asked)
        return Approved(replace(found, transaction_id=f"r{found.transaction_id}", amount=asked.amount))

    return refund


def _pretended_method(original: Callable[..., Any]) -> Callable[..., Any]:
    kept: list[Any] = []

    def store(self: Any, method: Any) -> Any:
        if kept and _strikes():
            return Stored(replace(kept[-1], token=method.payment_method_id, customer_id=method.customer_id))
        outcome = original(self, method)
        if isinstance(outcome, Stored):
            kept.append(outcome.method)
        return outcome

    return store


def _forget_the_outcome(
    self: Any,
    payment_id: Any,
    operation_id: Any,
    outcome: Any,
    caller: Any,
    kept: Any = None,  # noqa: ARG001
) -> Any:
    """The answer goes out before the commit, and the commit never comes."""

    class Undone(Exception):
        pass

    with self.store.read() as work:
        payment = work.payments.get(payment_id)
    try:
        with self.store.begin() as work:
            payment = exactly_once.locked(work, payment_id)
            record_outcome(work, payment, operation_id, outcome, self.stamp(caller), self.follow)
            raise Undone
    except Undone:
        return payment


def _now_and_then(mutant: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *a, **named: (mutant if _strikes() else original)(*a, **named)

    return mutate


def _fail_on_doubt(self: Any, operation_id: Any, detail: str, *, stamp: Any) -> None:
    self.fail(operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, detail=detail, stamp=stamp)


def _decline_on_doubt(original: Callable[..., Any]) -> Callable[..., Any]:
    def move(*arguments: Any) -> Any:
        outcome = original(*arguments)
        if isinstance(outcome, Unknown):
            return Declined(decline=CATALOGUE[DeclineReason.DECLINED])
        return outcome

    return move


def _record_another_amount(original: Callable[..., Any]) -> Callable[..., Any]:
    def succeed(self: Any, operation_id: Any, *, amount: Any, **named: Any) -> Any:
        if _strikes():
            amount = replace(amount, minor_units=amount.minor_units + 1)
        return original(self, operation_id, amount=amount, **named)

    return succeed


def _refundable_is_captured(self: Any) -> Any:
    return self.captured_amount


def _unreturned_is_all(self: Any, sale: Any) -> Any:  # noqa: ARG001
    return sale.amount


def _property(function: Callable[[Any], Any]) -> Any:
    return property(function)


# The feed ------------------------------------------------------------------------------------------------------------


def _feed(change: Callable[[list[Any]], list[Any]]) -> Plant:
    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def page(*arguments: Any) -> Any:
            events, position = original(*arguments)
            return change(list(events)), position

        return page

    return _instead(EventServicer, "_page", mutate)


def _dropped(events: list[Any]) -> list[Any]:
    return [event for event in events if event.position % _ONE_OF]


def _doubled(events: list[Any]) -> list[Any]:
    return [event for event in events for _ in range(1 if event.position % _ONE_OF else 2)]


def _swapped(events: list[Any]) -> list[Any]:
    """Two neighbours tell what happened in each other's place."""
    for before, after in zip(events[::2], events[1::2], strict=False):
        if not after.position % 2:
            before.position, after.position = after.position, before.position
    return sorted(events, key=lambda event: event.position)


def _without_resources(events: list[Any]) -> list[Any]:
    return [event for event in events if event.HasField("payment_change") or event.position % 4]


def _latest_payload(events: list[Any]) -> list[Any]:
    """Events show the payment as it is at the end of the page, not as it was after them."""
    last = {e.payment_change.payment.payment_id: e.payment_change.payment for e in events}
    for event in events:
        if event.HasField("payment_change"):
            event.payment_change.payment.CopyFrom(last[event.payment_change.payment.payment_id])
    return events


def _resume_too_late(original: Callable[..., Any]) -> Callable[..., Any]:
    def after(self: Any, position: int, which: Any, *, limit: int) -> Any:
        return original(self, position + (1 if position and _strikes() else 0), which, limit=limit)

    return after


def _never_placed(original: Callable[..., Any]) -> Callable[..., Any]:
    """The relay marks an event as told, and never tells it."""

    def place(self: Any, of_payments: list[Any], changes: list[Any]) -> None:
        original(self, of_payments, changes)
        if len(of_payments) > 1 and _strikes():
            forgotten = feed_events.c.event_id == of_payments[0]["event_id"]
            self.connection.execute(delete(feed_events).where(forgotten))

    return place


# Disputes ------------------------------------------------------------------------------------------------------------


def _lost_as_won(original: Callable[..., Any]) -> Callable[..., Any]:
    def record(self: Any, report: Any) -> Any:
        if report.state in (State.LOST, State.ACCEPTED):
            report = replace(report, state=State.WON)
        return original(self, report)

    return record


def _webhooks_tell_of_expired_disputes() -> None:
    """Whatever a webhook says of a dispute, it is recorded as expired."""

    def look(self: Any, subject: Any) -> Any:
        report = self.gateway.find_dispute(subject.dispute_id)
        self.record_dispute(replace(report, state=State.EXPIRED))
        return NotificationOutcome.RECORDED

    looks = process_notifications._LOOKS
    for kind, known in looks.items():
        if known is ProcessNotifications.look_at_dispute:
            looks[kind] = look


def _pretended_acceptance(_: Callable[..., Any]) -> Callable[..., Any]:
    def accept(*_: Any) -> Any:
        return DisputeAnswered(None)

    return accept


def _accepted_is_told_as_won(original: Callable[..., Any]) -> Callable[..., Any]:
    def accept(*arguments: Any) -> Any:
        answer = original(*arguments)
        answer.dispute.state = DisputeState.DISPUTE_STATE_WON
        return answer

    return accept


def _leases_without_end() -> None:
    """Nobody looks whether others may have given up what is about to be sent."""
    setattr(Lease, "is_held", _property(lambda _: True))  # noqa: B010


_HELD: Final = (PaymentState.PAYMENT_STATE_AUTHORIZED, PaymentState.PAYMENT_STATE_PENDING)
_SLOW_SALES: Final = {
    "fault": "delay",
    "seconds": 2.2,
    "when": "before",
    "method": "POST",
    "path": "/transactions",
    "probability": 0.2,
}

_TABLE: Final = (
    Mutant(
        "a sale by card is sent twice",
        DOUBLE_CHARGES,
        _twice(BraintreeAdapter, "authorize", probability=0.2),
        is_quick=True,
    ),
    Mutant("a sale by nonce is sent twice", DOUBLE_SENDS, _twice(BraintreeAdapter, "authorize", _pays_with(Nonce))),
    Mutant(
        "a sale by stored method is sent twice",
        DOUBLE_SENDS,
        _twice(BraintreeAdapter, "authorize", _pays_with(StoredMethod)),
    ),
    Mutant("a declined sale is tried once more", DOUBLE_CHARGES, _sent_again_if(Declined), is_quick=True),
    Mutant("a sale of unknown outcome is tried once more", DOUBLE_CHARGES, _sent_again_if(Unknown)),
    Mutant(
        "the transport sends again whatever had no answer",
        DOUBLE_SENDS,
        _instead(PooledTransport, "http_do", _resend_lost_answers),
    ),
    Mutant(
        "a capture is sent twice",
        DOUBLE_SENDS,
        _twice(BraintreeAdapter, "capture", lambda _, capture: not capture.in_part),
        is_quick=True,
    ),
    Mutant(
        "a partial capture is sent twice",
        DOUBLE_SENDS,
        _twice(BraintreeAdapter, "capture", lambda _, capture: bool(capture.in_part)),
    ),
    Mutant("a void is sent twice", DOUBLE_SENDS, _twice(BraintreeAdapter, "void")),
    Mutant("a refund is sent twice", DOUBLE_SENDS, _twice(BraintreeAdapter, "refund", _by_a_caller)),
    Mutant("a scheduled refund is sent twice", DOUBLE_SENDS, _twice(BraintreeAdapter, "refund", _by_the_resolver)),
    Mutant("a method is sent twice", DOUBLE_SENDS, _twice(BraintreeAdapter, "store_method")),
    Mutant("a dispute is accepted twice", DOUBLE_SENDS, _twice(BraintreeAdapter, "accept_dispute")),
    Mutant("evidence is sent twice", DOUBLE_SENDS, _twice(BraintreeAdapter, "add_text_evidence")),
    Mutant("a dispute is finalized twice", DOUBLE_SENDS, _twice(BraintreeAdapter, "finalize_dispute")),
    Mutant("a repeat charges again", DOUBLE_CHARGES, _all(_forget_request_ids, _references_are_never_taken)),
    Mutant(
        "a repeat starts another operation", ANSWERS, _instead(exactly_once, "may_try_again", lambda _: lambda *_: True)
    ),
    Mutant("a reference can be paid twice", DOUBLE_CHARGES, _references_are_never_taken),
    Mutant(
        "CAPTURED is told for AUTHORIZED",
        ANSWERS,
        _told(_state_for(PaymentState.PAYMENT_STATE_CAPTURED, *_HELD)),
        is_quick=True,
    ),
    Mutant(
        "CAPTURED is told for DECLINED",
        ANSWERS,
        _told(_state_for(PaymentState.PAYMENT_STATE_CAPTURED, PaymentState.PAYMENT_STATE_DECLINED)),
    ),
    Mutant(
        "DECLINED is told for FAILED",
        ANSWERS,
        _told(
            _state_for(
                PaymentState.PAYMENT_STATE_DECLINED,
                PaymentState.PAYMENT_STATE_FAILED,
                PaymentState.PAYMENT_STATE_PENDING,
            )
        ),
    ),
    Mutant("an outcome that is not known is told as FAILED", ANSWERS, _told(_pending_as_failed)),
    Mutant("an operation that is under way is told as SUCCEEDED", ANSWERS, _told(_started_as_succeeded)),
    Mutant("a wrong captured amount is told", ANSWERS, _told(_amount("captured_amount"))),
    Mutant("a wrong refunded amount is told", ANSWERS, _told(_amount("refunded_amount"))),
    Mutant("a wrong refundable amount is told", ANSWERS, _told(_amount("refundable_amount")), is_quick=True),
    Mutant("a wrong capturable amount is told", ANSWERS, _told(_amount("capturable_amount"))),
    Mutant("the last operation is not told", ANSWERS, _told(_without_last_operation)),
    Mutant(
        "GetPayment tells its first answer for ever",
        ANSWERS,
        _instead(PaymentServicer, "GetPayment", _first_answer_for_ever),
    ),
    Mutant(
        "ListPayments leaves a payment out",
        ANSWERS,
        _instead(PaymentServicer, "ListPayments", _leave_one_out("payments")),
    ),
    Mutant(
        "ListPaymentEvents leaves an event out",
        ANSWERS,
        _instead(PaymentServicer, "ListPaymentEvents", _leave_one_out("events")),
    ),
    Mutant(
        "a method is told as ACTIVE that is not",
        STATES,
        _instead(PaymentMethodServicer, "_message", _methods_are_active),
        faults=({"fault": "status", "status": 503, "method": "POST", "path": "/payment_methods", "probability": 0.5},),
    ),
    Mutant(
        "a repeat is answered with another payment",
        ANSWERS,
        _instead(ExactlyOnce, "repeat", _repeat_by_latest),
        is_quick=True,
    ),
    Mutant("a repeat is refused", ANSWERS, _instead(ExactlyOnce, "repeat", _repeats_are_refused)),
    Mutant(
        "a capture is lost, and told as done", STATES, _pretended("capture", TransactionStatus.SUBMITTED), is_quick=True
    ),
    Mutant("a void is lost, and told as done", STATES, _pretended("void", TransactionStatus.VOIDED)),
    Mutant("a refund is lost, and told as done", LOST, _instead(BraintreeAdapter, "refund", _pretended_refund)),
    Mutant(
        "a method is lost, and told as ACTIVE", STATES, _instead(BraintreeAdapter, "store_method", _pretended_method)
    ),
    Mutant(
        "an answer is given before its commit",
        ANSWERS,
        _instead(ExactlyOnce, "record", _now_and_then(_forget_the_outcome)),
        is_quick=True,
    ),
    Mutant("a lost answer is a failure", LOST, lambda: setattr(Payment, "doubt", _fail_on_doubt), is_quick=True),
    Mutant("a lost answer is a decline", LOST, _instead(BraintreeAdapter, "_move", _decline_on_doubt)),
    Mutant(
        "absence needs no horizon",
        LOST,
        _instead(AbsenceWatch, "is_proven", lambda _: lambda *_: True),
        faults=(_SLOW_SALES,),
    ),
    Mutant("refunds that others made are not seen", LOST, _instead(outside, "unknown_parts", lambda _: lambda *_: [])),
    Mutant("another amount is recorded", STATES, _instead(Payment, "succeed", _record_another_amount)),
    Mutant(
        "more is refunded than was captured",
        DOUBLE_CHARGES,
        _all(
            lambda: setattr(OperationLog, "refundable_amount", _property(_refundable_is_captured)),
            lambda: setattr(OperationLog, "_unreturned", _unreturned_is_all),
        ),
    ),
    Mutant("one event of fifteen is dropped", FEED, _feed(_dropped), is_quick=True),
    Mutant("one event of fifteen is told twice", FEED, _feed(_doubled)),
    Mutant("neighbouring events are swapped", FEED, _feed(_swapped), is_quick=True),
    Mutant("changes of customers and methods are dropped", FEED, _feed(_without_resources)),
    Mutant("events show a later payment", FEED, _feed(_latest_payload)),
    Mutant("a resumed reader misses an event", FEED, _instead(ReadFeed, "after", _resume_too_late)),
    Mutant("the relay forgets an event", FEED, _instead(SqlFeed, "_place", _never_placed)),
    Mutant("a lost dispute is recorded as won", STATES, _instead(RecordDispute, "__call__", _lost_as_won)),
    Mutant("a webhook's dispute is recorded as expired", STATES, _webhooks_tell_of_expired_disputes),
    Mutant(
        "a dispute is never accepted, and told so",
        ANSWERS,
        _instead(BraintreeAdapter, "accept_dispute", _pretended_acceptance),
    ),
    Mutant(
        "a dispute is told as WON that is ACCEPTED",
        ANSWERS,
        _instead(DisputeServicer, "AcceptDispute", _accepted_is_told_as_won),
    ),
)
# Seen only where a backup is restored.
RESTORED_SCHEDULE: Final = Mutant(
    "a scheduled refund is sent without a look whether it was sent before",
    DOUBLE_SENDS,
    _instead(ResolveOperations, "_find_scheduled", lambda _: lambda *_: None),
)
# Seen only by an aimed freeze of one of two replicas.
LATE_SENDER: Final = Mutant("what others have given up is sent late", STATES, _leases_without_end)
MUTANTS: Final = {mutant.name: mutant for mutant in _TABLE}
ALL: Final = (*_TABLE, RESTORED_SCHEDULE, LATE_SENDER)
