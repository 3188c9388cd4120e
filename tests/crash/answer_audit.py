"""Compares each answer with the states that were true when it was given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from bayar.messages import BayarError, Customer, OperationKind, Payment, PaymentMethod
from bayar.messages import OperationState as ToldState
from bayar.payments.v1.dispute_pb2 import Dispute
from bayar.payments.v1.payment_pb2 import PaymentEvent
from domain.operation import Operation, OperationState
from tests.crash.database_records import Record
from tests.crash.findings import Findings
from tests.crash.payment_views import PaymentView, view_of_answer
from tests.crash.request_log import RecordedAnswer, RecordedRequest

OPEN: Final = (ToldState.OPERATION_STATE_STARTED, ToldState.OPERATION_STATE_SCHEDULED)
_DONE: Final = (ToldState.OPERATION_STATE_SUCCEEDED, ToldState.OPERATION_STATE_DECLINED)
# Transient refusals: the same request may succeed before and after.
_OF_THE_MOMENT: Final = frozenset(
    {"UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"}
)
_STANDING: Final = frozenset(
    {
        "REFERENCE_ALREADY_PAID",
        "PAYMENT_NOT_CAPTURABLE",
        "PAYMENT_NOT_VOIDABLE",
        "PAYMENT_NOT_REFUNDABLE",
        "PAYMENT_NOT_ADJUSTABLE",
        "AMOUNT_EXCEEDS_CAPTURABLE",
        "AMOUNT_EXCEEDS_REFUNDABLE",
        "AMOUNT_ALREADY_AUTHORIZED",
        "PAYMENT_DISPUTED",
    }
)
# Events get the machine's time before their commit, answers get the same clock's time.
_ROUNDING_SECONDS: Final = 0.001


class AnswerAudit:
    """The comparison of every answer with the histories. Adds to the findings."""

    def __init__(
        self,
        findings: Findings,
        records: Sequence[Record],
        asked: Sequence[RecordedRequest],
        read: Sequence[RecordedAnswer],
    ) -> None:
        self._findings = findings
        self._records: Mapping[str, Record] = {str(r.payment.terms.payment_id): r for r in records}
        self._asked = asked
        self._read = read
        self._succeeded: defaultdict[str, list[Operation]] = defaultdict(list)
        for record in records:
            for operation in record.payment.operations:
                if operation.state is OperationState.SUCCEEDED:
                    self._succeeded[operation.request_id].append(operation)

    def check(self, *, clocks_agree: bool) -> None:
        self._check_payments(clocks_agree=clocks_agree)
        for given in self._read:
            if isinstance(given.answer, PaymentEvent):
                self._event_is_of_the_history(given)
        for request in self._asked:
            self._one_effect(request)
            self._findings.wrong_answers += _differing_replays(request)
            self._findings.wrong_answers += _mismatched_answers(request)

    # Each answered payment

    def _check_payments(self, *, clocks_agree: bool) -> None:
        given_answers = [t for request in self._asked for t in request.given_answers] + list(self._read)
        of_payment: defaultdict[str, list[RecordedAnswer]] = defaultdict(list)
        for given in given_answers:
            if isinstance(given.answer, Payment):
                of_payment[given.answer.payment_id].append(given)
                self._findings.wrong_answers += _inconsistent_amounts(given.answer)
        for payment_id, told in of_payment.items():
            record = self._records.get(payment_id)
            if record is None:
                self._findings.lost_payments.append(f"{payment_id} was answered, and is gone")
            else:
                self._findings.wrong_answers += _untrue_or_stale_answers(record, told, clocks_agree=clocks_agree)

    def _event_is_of_the_history(self, given: RecordedAnswer) -> None:
        event: PaymentEvent = given.answer
        record = self._records.get(event.payment_id)
        ids = record.event_ids if record else []
        if not 0 < event.sequence <= len(ids) or ids[event.sequence - 1] != event.event_id:
            self._findings.wrong_answers.append(f"{event.event_id} was told, and is not in the history")

    # Each request and its answers

    def _one_effect(self, request: RecordedRequest) -> None:
        own = self._succeeded.get(request.request_id, [])
        if request.method == "refund_payment":
            wanted = request.arguments["amount"]
            returned = sum(o.amount.minor_units for o in own)
            if wanted is not None and returned > wanted.minor_units:
                self._findings.double_charges.append(
                    f"{request.request_id} gave back {returned}, not {wanted.minor_units}"
                )
        elif len(own) > 1:
            self._findings.double_charges.append(f"{request.request_id} took effect {len(own)} times: {own}")
        refusals = [answer for answer in request.answers if isinstance(answer, BayarError)]
        surely_nothing = len(refusals) == len(request.answers) and not any(r.outcome_unknown for r in refusals)
        if own and request.answers and surely_nothing:
            self._findings.wrong_answers.append(
                f"{request.request_id} was refused ({refusals[-1].reason}), and has {own}"
            )


def _untrue_or_stale_answers(record: Record, told: Sequence[RecordedAnswer], *, clocks_agree: bool) -> Iterator[str]:
    """Findings: answers that were never true, not yet true, or older than an earlier answer."""
    snapshots = record.snapshots
    possible: list[tuple[RecordedAnswer, list[int]]] = []
    for given in told:
        view = view_of_answer(given.answer)
        counts = snapshots.event_counts_of(view)
        happened = [c for c in counts if not clocks_agree or snapshots.times[c] <= given.received + _ROUNDING_SECONDS]
        if happened:
            possible.append((given, happened))
        elif counts:
            yield f"{given.method} told of {view.payment_id} before it was so: {view}"
        else:
            yield f"{given.method} told of {view.payment_id} what never was: {_nearest(view, record)}"
    by_end = sorted(possible, key=lambda each: each[0].received)
    least, index = 0, 0
    for given, counts in sorted(possible, key=lambda each: each[0].sent):
        while index < len(by_end) and by_end[index][0].received < given.sent:
            least = max(least, min(by_end[index][1]))
            index += 1
        if max(counts) < least:
            yield (
                f"{given.method} told {record.payment.terms.payment_id} as after event {max(counts)}, "
                f"when event {least} had been told before"
            )


def _nearest(view: PaymentView, record: Record) -> str:
    """The difference to the most similar view."""
    return min((view.difference(known) for known in record.snapshots.views.values()), key=len)


def _is_partly_captured(told: Payment) -> bool:
    captures = [o for o in told.operations if o.kind == OperationKind.OPERATION_KIND_CAPTURE]
    return any(capture.amount.minor_units < told.authorized_amount.minor_units for capture in captures)


def _inconsistent_amounts(told: Payment) -> Iterator[str]:
    """Findings: amounts of an answer that are inconsistent."""
    voiding = sum(
        o.amount.minor_units
        for o in told.operations
        if o.kind == OperationKind.OPERATION_KIND_VOID and o.state == ToldState.OPERATION_STATE_STARTED
    )
    left = (
        told.captured_amount.minor_units
        - told.refunded_amount.minor_units
        - told.refund_pending_amount.minor_units
        - told.disputed_amount.minor_units
        - voiding
    )
    # A void that releases the rest of a hold leaves the captured parts.
    allowed = {max(left, 0), max(left + voiding, 0)} if _is_partly_captured(told) else {max(left, 0)}
    if told.refundable_amount.minor_units not in allowed:
        yield f"{told.payment_id}: refundable {told.refundable_amount.minor_units}, and {max(left, 0)} is left"
    for operation in told.operations:
        if operation.state in OPEN and not operation.HasField("next_check_time"):
            yield f"{operation.operation_id} was told as open, and not when it is looked at next"
    if any(o.state in OPEN for o in told.operations) and not told.HasField("next_check_time"):
        yield f"{told.payment_id} was told as pending, and not when it is looked at next"


# Replays

_ID_OF: Final[Mapping[type, Callable[..., str]]] = {
    Payment: lambda answer: str(answer.payment_id),
    PaymentMethod: lambda answer: str(answer.payment_method_id),
    Customer: lambda answer: str(answer.customer_id),
    Dispute: lambda answer: str(answer.dispute_id),
}


def _differing_replays(request: RecordedRequest) -> Iterator[str]:
    """Findings: replays with another resource or other operations, or refused after success."""
    made = {_ID_OF[type(answer)](answer) for answer in request.answers if type(answer) in _ID_OF}
    if len(made) > 1:
        yield f"{request.request_id} was answered with {made}"
    settled_at, done = None, set[str]()
    for given in sorted(request.given_answers, key=lambda each: each.received):
        if isinstance(given.answer, Payment):
            own = {o.operation_id for o in given.answer.operations if _is_done_by(o, request.request_id)}
            if settled_at is not None and given.sent > settled_at and not done <= own:
                yield f"{request.request_id} was answered with {done}, and then with {own}"
            if own and settled_at is None:
                settled_at = given.received
            done |= own
    yield from _lifted_refusals(request)
    for given in request.given_answers:
        refused = isinstance(given.answer, BayarError) and given.answer.code.name not in _OF_THE_MOMENT
        if refused and settled_at is not None and given.sent > settled_at:
            yield f"{request.request_id} was done, and then refused: {given.answer!r}"


def _lifted_refusals(request: RecordedRequest) -> Iterator[str]:
    """Findings: standing refusals that a replay lifted."""
    standing = [t for t in request.given_answers if isinstance(t.answer, BayarError) and t.answer.reason in _STANDING]
    for given in request.given_answers:
        for earlier in standing:
            refusal = given.answer.reason if isinstance(given.answer, BayarError) else "OK"
            if earlier.received < given.sent and refusal != earlier.answer.reason and not _is_of_the_moment(given):
                yield f"{request.request_id} was refused ({earlier.answer.reason}), and then answered {refusal}"


def _is_of_the_moment(given: RecordedAnswer) -> bool:
    return isinstance(given.answer, BayarError) and given.answer.code.name in _OF_THE_MOMENT


def _is_done_by(operation: object, request_id: str) -> bool:
    return getattr(operation, "request_id", "") == request_id and getattr(operation, "state", None) in _DONE


def _mismatched_answers(request: RecordedRequest) -> Iterator[str]:
    """Findings: answers about another resource than the request names."""
    wanted = request.arguments
    for answer in request.answers:
        match answer:
            case Payment():
                other = {
                    name: getattr(answer, name)
                    for name in ("payment_id", "reference", "customer_id", "payment_method_id")
                    if wanted.get(name) is not None and getattr(answer, name) != wanted[name]
                }
                account = wanted.get("merchant_account_id")
                if account and answer.merchant_account_id != account:
                    other["merchant_account_id"] = answer.merchant_account_id
                # Without a customer in the request, the owner of the stored method pays.
                if other or (request.method == "create_payment" and answer.amount != wanted["amount"]):
                    yield f"{request.request_id} asked for {wanted.get('reference')}, and was answered with {other}"
            case PaymentMethod() if answer.customer_id != wanted["customer_id"]:
                yield f"{request.request_id} was answered with the method of {answer.customer_id}"
            case Customer():
                other = {n: v for n, v in wanted.items() if n != "request_id" and getattr(answer, n) != v}
                if request.method == "create_customer" and other and answer is request.answers[0]:
                    yield f"{request.request_id} was answered with another customer: {other}"
            case Dispute() if answer.dispute_id != wanted["dispute_id"]:
                yield f"{request.request_id} was answered with {answer.dispute_id}"
