"""The mutants of the storm: bugs in the service, one at a time. The checker must see each of them.

Only the launcher of the tests applies them, by replacing functions before the service starts. A mutant
acts with a probability, so that most calls are correct.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.transport.connection_pool import PooledTransport
from adapters.grpc.services.dispute_service import DisputeServicer
from adapters.grpc.services.payment_method_service import PaymentMethodServicer
from adapters.grpc.services.payment_service import PaymentServicer
from adapters.persistence.repositories.feed import SqlFeed
from application.common.not_found_horizon import NotFoundTimer
from application.disputes.record_dispute import RecordDispute
from application.events.read_feed import ReadFeed
from application.payments import external_operations as external
from application.payments import payment_call
from application.payments.failed_authentication import FailedAuthentication
from application.payments.payment_call import PaymentCall, PaymentRecorder
from application.ports.gateway import Declined, Nonce, StoredMethod, Unknown
from application.recovery.send_scheduled_refund import SendScheduledRefund
from bayar.payments.v1.payment_pb2 import PaymentState
from domain.operation_log import OperationLog
from domain.payment import Payment
from domain.transaction import TransactionStatus
from tests.crash.mutations import answers, disputes, feed, recording, replays, sends
from tests.crash.mutations.patching import Patch, all_of, property_of, replace_function

# The scoreboard's columns.
DOUBLE_CHARGES: Final = "double charges"
DOUBLE_SENDS: Final = "double sends"
LOST: Final = "lost payments"
STATES: Final = "wrong states"
ANSWERS: Final = "wrong answers"
FEED: Final = "feed errors"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug, the column that must show it, and whether the short run of `make test-crash` applies it."""

    name: str
    column: str
    apply: Patch
    is_quick: bool = False
    # Faults during its run, beside the lost answers of every run.
    faults: Sequence[dict[str, Any]] = ()


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
        sends.send_twice(BraintreeAdapter, "authorize", probability=0.2),
        is_quick=True,
    ),
    Mutant(
        "a sale by nonce is sent twice",
        DOUBLE_SENDS,
        sends.send_twice(BraintreeAdapter, "authorize", sends.pays_with(Nonce)),
    ),
    Mutant(
        "a sale by stored method is sent twice",
        DOUBLE_SENDS,
        sends.send_twice(BraintreeAdapter, "authorize", sends.pays_with(StoredMethod)),
    ),
    Mutant("a declined sale is tried once more", DOUBLE_CHARGES, sends.sent_again_if(Declined), is_quick=True),
    Mutant("a sale of unknown outcome is tried once more", DOUBLE_CHARGES, sends.sent_again_if(Unknown)),
    Mutant(
        "the transport sends again whatever had no answer",
        DOUBLE_SENDS,
        replace_function(PooledTransport, "http_do", sends.resend_lost_answers),
    ),
    Mutant(
        "a capture is sent twice",
        DOUBLE_SENDS,
        sends.send_twice(BraintreeAdapter, "capture", lambda _, capture, *__: not capture.in_part),
    ),
    Mutant(
        "a partial capture is sent twice",
        DOUBLE_SENDS,
        sends.send_twice(BraintreeAdapter, "capture", lambda _, capture, *__: bool(capture.in_part)),
    ),
    Mutant("an adjustment is sent twice", DOUBLE_SENDS, sends.send_twice(BraintreeAdapter, "adjust")),
    Mutant(
        "an adjustment is recorded with the amount before it",
        STATES,
        replace_function(BraintreeAdapter, "adjust", recording.keep_the_amount_before),
    ),
    Mutant(
        "a failed authentication is not taken back",
        STATES,
        replace_function(FailedAuthentication, "take_back", lambda _: lambda _, __, ___, outcome, ____: outcome),
    ),
    Mutant("a void is sent twice", DOUBLE_SENDS, sends.send_twice(BraintreeAdapter, "void")),
    Mutant("a refund is sent twice", DOUBLE_SENDS, sends.send_twice(BraintreeAdapter, "refund", sends.by_a_caller)),
    Mutant(
        "a scheduled refund is sent twice",
        DOUBLE_SENDS,
        sends.send_twice(BraintreeAdapter, "refund", sends.by_the_resolver),
    ),
    Mutant("a method is sent twice", DOUBLE_SENDS, sends.send_twice(BraintreeAdapter, "store_method")),
    Mutant("a dispute is accepted twice", DOUBLE_SENDS, sends.send_twice(BraintreeAdapter, "accept_dispute")),
    Mutant("evidence is sent twice", DOUBLE_SENDS, sends.send_twice(BraintreeAdapter, "add_text_evidence")),
    Mutant("a dispute is finalized twice", DOUBLE_SENDS, sends.send_twice(BraintreeAdapter, "finalize_dispute")),
    Mutant(
        "a repeat charges again", DOUBLE_CHARGES, all_of(replays.forget_request_ids, replays.ignore_taken_references)
    ),
    Mutant(
        "a repeat starts another operation",
        ANSWERS,
        replace_function(payment_call, "was_never_sent", lambda _: lambda *_: True),
    ),
    Mutant("a reference can be paid twice", DOUBLE_CHARGES, replays.ignore_taken_references),
    Mutant(
        "CAPTURED is reported for AUTHORIZED",
        ANSWERS,
        answers.told(answers.state_for(PaymentState.PAYMENT_STATE_CAPTURED, *_HELD)),
        is_quick=True,
    ),
    Mutant(
        "CAPTURED is reported for DECLINED",
        ANSWERS,
        answers.told(answers.state_for(PaymentState.PAYMENT_STATE_CAPTURED, PaymentState.PAYMENT_STATE_DECLINED)),
    ),
    Mutant(
        "DECLINED is reported for FAILED",
        ANSWERS,
        answers.told(
            answers.state_for(
                PaymentState.PAYMENT_STATE_DECLINED,
                PaymentState.PAYMENT_STATE_FAILED,
                PaymentState.PAYMENT_STATE_PENDING,
            )
        ),
    ),
    Mutant("an outcome that is not known is reported as FAILED", ANSWERS, answers.told(answers.pending_as_failed)),
    Mutant(
        "an operation that is under way is reported as SUCCEEDED", ANSWERS, answers.told(answers.started_as_succeeded)
    ),
    Mutant("a wrong captured amount is reported", ANSWERS, answers.told(answers.amount("captured_amount"))),
    Mutant("a wrong refunded amount is reported", ANSWERS, answers.told(answers.amount("refunded_amount"))),
    Mutant(
        "a wrong refundable amount is reported",
        ANSWERS,
        answers.told(answers.amount("refundable_amount")),
        is_quick=True,
    ),
    Mutant("a wrong capturable amount is reported", ANSWERS, answers.told(answers.amount("capturable_amount"))),
    Mutant("the last operation is not reported", ANSWERS, answers.told(answers.without_last_operation)),
    Mutant(
        "GetPayment tells its first answer for ever",
        ANSWERS,
        replace_function(PaymentServicer, "GetPayment", answers.cached_first_answer),
    ),
    Mutant(
        "ListPayments leaves a payment out",
        ANSWERS,
        replace_function(PaymentServicer, "ListPayments", answers.leave_one_out("payments")),
    ),
    Mutant(
        "ListPaymentEvents leaves an event out",
        ANSWERS,
        replace_function(PaymentServicer, "ListPaymentEvents", answers.leave_one_out("events")),
    ),
    Mutant(
        "a method is reported as ACTIVE that is not",
        STATES,
        replace_function(PaymentMethodServicer, "_message", answers.methods_are_active),
        faults=({"fault": "status", "status": 503, "method": "POST", "path": "/payment_methods", "probability": 0.5},),
    ),
    Mutant(
        "a repeat is answered with another payment",
        ANSWERS,
        replace_function(PaymentCall, "present", replays.replay_latest),
        is_quick=True,
    ),
    Mutant("a repeat is refused", ANSWERS, replace_function(PaymentCall, "present", replays.refuse_replays)),
    Mutant(
        "a capture is lost, and reported as done",
        STATES,
        recording.pretended_change("capture", TransactionStatus.SUBMITTED),
        is_quick=True,
    ),
    Mutant(
        "a void is lost, and reported as done", STATES, recording.pretended_change("void", TransactionStatus.VOIDED)
    ),
    Mutant(
        "a refund is lost, and reported as done",
        LOST,
        replace_function(BraintreeAdapter, "refund", recording.pretended_refund),
    ),
    Mutant(
        "a method is lost, and reported as ACTIVE",
        STATES,
        replace_function(BraintreeAdapter, "store_method", recording.pretended_method),
    ),
    Mutant(
        "an answer is given before its commit",
        ANSWERS,
        replace_function(PaymentRecorder, "record_outcome", recording.sometimes(recording.do_not_commit_the_outcome)),
        is_quick=True,
    ),
    Mutant(
        "a lost answer is a failure",
        LOST,
        lambda: setattr(Payment, "mark_outcome_unknown", recording.fail_on_unknown_outcome),
        is_quick=True,
    ),
    Mutant(
        "a lost answer is a decline",
        LOST,
        replace_function(BraintreeAdapter, "_move", recording.decline_on_unknown_outcome),
    ),
    Mutant(
        "absence needs no horizon",
        LOST,
        replace_function(NotFoundTimer, "is_proven", lambda _: lambda *_: True),
        faults=(_SLOW_SALES,),
    ),
    Mutant(
        "refunds that others made are not seen",
        LOST,
        replace_function(external, "unknown_parts", lambda _: lambda *_: []),
    ),
    Mutant("another amount is recorded", STATES, replace_function(Payment, "succeed", recording.record_another_amount)),
    Mutant(
        "more is refunded than was captured",
        DOUBLE_CHARGES,
        all_of(
            lambda: setattr(OperationLog, "refundable_amount", property_of(recording.ignore_refunds)),
            lambda: setattr(OperationLog, "_unreturned", recording.ignore_refunds_of_a_sale),
        ),
    ),
    Mutant("one event of fifteen is dropped", FEED, feed.feed(feed.dropped), is_quick=True),
    Mutant("one event of fifteen is reported twice", FEED, feed.feed(feed.doubled)),
    Mutant("neighbouring events are swapped", FEED, feed.feed(feed.swapped), is_quick=True),
    Mutant("changes of customers and methods are dropped", FEED, feed.feed(feed.without_resources)),
    Mutant("events show a later payment", FEED, feed.feed(feed.latest_payload)),
    Mutant("a resumed reader misses an event", FEED, replace_function(ReadFeed, "after", feed.resume_too_late)),
    Mutant("the relay forgets an event", FEED, replace_function(SqlFeed, "_publish", feed.never_sequenced)),
    Mutant(
        "a lost dispute is recorded as won", STATES, replace_function(RecordDispute, "__call__", disputes.lost_as_won)
    ),
    Mutant("a webhook's dispute is recorded as expired", STATES, disputes.webhooks_tell_of_expired_disputes),
    Mutant(
        "a dispute is never accepted, and told so",
        ANSWERS,
        replace_function(BraintreeAdapter, "accept_dispute", disputes.pretended_acceptance),
    ),
    Mutant(
        "a dispute is reported as WON that is ACCEPTED",
        ANSWERS,
        replace_function(DisputeServicer, "AcceptDispute", disputes.accepted_is_told_as_won),
    ),
)
# Found only by a run with a restored backup.
RESTORED_SCHEDULE: Final = Mutant(
    "a scheduled refund is sent without a look whether it was sent before",
    DOUBLE_SENDS,
    replace_function(SendScheduledRefund, "find_sent", lambda _: lambda *_: None),
)
# Found only by an aimed freeze of one of two replicas.
LATE_SENDER: Final = Mutant("what others have given up is sent late", STATES, recording.endless_leases)
MUTANTS: Final = {mutant.name: mutant for mutant in _TABLE}
ALL: Final = (*_TABLE, RESTORED_SCHEDULE, LATE_SENDER)


def apply(name: str) -> None:
    """Apply the mutant of this name in this process."""
    next(mutant for mutant in ALL if mutant.name == name).apply()
