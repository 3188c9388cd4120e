"""Compares each answer with what could be true when it was given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from bayar.messages import BayarError, Customer, OperationKind, Payment, PaymentMethod
from bayar.messages import OperationState as ToldState
from bayar.payments.v1.dispute_pb2 import Dispute
from bayar.payments.v1.payment_pb2 import PaymentEvent
from domain.operation import Operation, OperationState
from tests.crash.records import Record
from tests.crash.snapshots import View, told_view
from tests.crash.town import Asked, Telling
from tests.crash.verdict import Verdict

OPEN: Final = (ToldState.OPERATION_STATE_STARTED, ToldState.OPERATION_STATE_SCHEDULED)
_DONE: Final = (ToldState.OPERATION_STATE_SUCCEEDED, ToldState.OPERATION_STATE_DECLINED)
# Refusals of the moment: the same request may be answered well before and after.
_OF_THE_MOMENT: Final = frozenset(
    {"UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"}
)
_STANDING: Final = frozenset(
    {
        "REFERENCE_ALREADY_PAID",
        "PAYMENT_NOT_CAPTURABLE",
        "PAYMENT_NOT_VOIDABLE",
        "PAYMENT_NOT_REFUNDABLE",
        "AMOUNT_EXCEEDS_CAPTURABLE",
        "AMOUNT_EXCEEDS_REFUNDABLE",
        "PAYMENT_DISPUTED",
    }
)
# Events are stamped with the machine's clock before they are committed, and answers with the same clock.
_ROUNDING_SECONDS: Final = 0.001


class ToldAudit:
    """Everything that callers were told, against the histories. Adds what it finds to the verdict."""

    def __init__(
        self, verdict: Verdict, records: Sequence[Record], asked: Sequence[Asked], read: Sequence[Telling]
    ) -> None:
        self._verdict = verdict
        self._records: Mapping[str, Record] = {str(r.payment.terms.payment_id): r for r in records}
        self._asked = asked
        self._read = read
        self._succeeded: defaultdict[str, list[Operation]] = defaultdict(list)
        for record in records:
            for operation in record.payment.operations:
                if operation.state is OperationState.SUCCEEDED:
                    self._succeeded[operation.request_id].append(operation)

    def check(self, *, clocks_agree: bool) -> None:
        self._payments_as_they_were(clocks_agree=clocks_agree)
        for telling in self._read:
            if isinstance(telling.answer, PaymentEvent):
                self._event_is_of_the_history(telling)
        for request in self._asked:
            self._one_effect(request)
            self._verdict.wrong_answers += _answers_alike(request)
            self._verdict.wrong_answers += _answers_what_was_asked(request)

    # Each payment that was told

    def _payments_as_they_were(self, *, clocks_agree: bool) -> None:
        tellings = [t for request in self._asked for t in request.tellings] + list(self._read)
        of_payment: defaultdict[str, list[Telling]] = defaultdict(list)
        for telling in tellings:
            if isinstance(telling.answer, Payment):
                of_payment[telling.answer.payment_id].append(telling)
                self._verdict.wrong_answers += _does_not_add_up(telling.answer)
        for payment_id, told in of_payment.items():
            record = self._records.get(payment_id)
            if record is None:
                self._verdict.lost_payments.append(f"{payment_id} was answered, and is gone")
            else:
                self._verdict.wrong_answers += _never_so(record, told, clocks_agree=clocks_agree)

    def _event_is_of_the_history(self, telling: Telling) -> None:
        event: PaymentEvent = telling.answer
        record = self._records.get(event.payment_id)
        ids = record.event_ids if record else []
        if not 0 < event.sequence <= len(ids) or ids[event.sequence - 1] != event.event_id:
            self._verdict.wrong_answers.append(f"{event.event_id} was told, and is not in the history")

    # Each request and its answers

    def _one_effect(self, request: Asked) -> None:
        own = self._succeeded.get(request.request_id, [])
        if request.method == "refund_payment":
            wanted = request.arguments["amount"]
            returned = sum(o.amount.minor_units for o in own)
            if wanted is not None and returned > wanted.minor_units:
                self._verdict.double_charges.append(
                    f"{request.request_id} gave back {returned}, not {wanted.minor_units}"
                )
        elif len(own) > 1:
            self._verdict.double_charges.append(f"{request.request_id} took effect {len(own)} times: {own}")
        refusals = [answer for answer in request.answers if isinstance(answer, BayarError)]
        surely_nothing = len(refusals) == len(request.answers) and not any(r.outcome_unknown for r in refusals)
        if own and request.answers and surely_nothing:
            self._verdict.wrong_answers.append(
                f"{request.request_id} was refused ({refusals[-1].reason}), and has {own}"
            )


def _never_so(record: Record, told: Sequence[Telling], *, clocks_agree: bool) -> Iterator[str]:
    """Answers that were never true, not true yet, or older than what had been told before they were asked for."""
    snapshots = record.snapshots
    possible: list[tuple[Telling, list[int]]] = []
    for telling in told:
        view = told_view(telling.answer)
        counts = snapshots.counts_of(view)
        happened = [c for c in counts if not clocks_agree or snapshots.times[c] <= telling.received + _ROUNDING_SECONDS]
        if happened:
            possible.append((telling, happened))
        elif counts:
            yield f"{telling.method} told of {view.payment_id} before it was so: {view}"
        else:
            yield f"{telling.method} told of {view.payment_id} what never was: {_nearest(view, record)}"
    by_end = sorted(possible, key=lambda each: each[0].received)
    least, index = 0, 0
    for telling, counts in sorted(possible, key=lambda each: each[0].sent):
        while index < len(by_end) and by_end[index][0].received < telling.sent:
            least = max(least, min(by_end[index][1]))
            index += 1
        if max(counts) < least:
            yield (
                f"{telling.method} told {record.payment.terms.payment_id} as after event {max(counts)}, "
                f"when event {least} had been told before"
            )


def _nearest(view: View, record: Record) -> str:
    """How it differs from what is most like it."""
    return min((view.difference(known) for known in record.snapshots.views.values()), key=len)


def _is_captured_in_part(told: Payment) -> bool:
    captures = [o for o in told.operations if o.kind == OperationKind.OPERATION_KIND_CAPTURE]
    return any(capture.amount.minor_units < told.operations[0].amount.minor_units for capture in captures)


def _does_not_add_up(told: Payment) -> Iterator[str]:
    """What is wrong with a payment by itself."""
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
    # A void that releases the rest of a hold takes nothing of the parts that were captured.
    allowed = {max(left, 0), max(left + voiding, 0)} if _is_captured_in_part(told) else {max(left, 0)}
    if told.refundable_amount.minor_units not in allowed:
        yield f"{told.payment_id}: refundable {told.refundable_amount.minor_units}, and {max(left, 0)} is left"
    for operation in told.operations:
        if operation.state in OPEN and not operation.HasField("next_check_time"):
            yield f"{operation.operation_id} was told as open, and not when it is looked at next"
    if any(o.state in OPEN for o in told.operations) and not told.HasField("next_check_time"):
        yield f"{told.payment_id} was told as pending, and not when it is looked at next"


# Repeats

_ID_OF: Final[Mapping[type, Callable[..., str]]] = {
    Payment: lambda answer: str(answer.payment_id),
    PaymentMethod: lambda answer: str(answer.payment_method_id),
    Customer: lambda answer: str(answer.customer_id),
    Dispute: lambda answer: str(answer.dispute_id),
}


def _answers_alike(request: Asked) -> Iterator[str]:
    """A repeat is answered with the same thing, with the same operations, and never with a refusal of what was done."""
    made = {_ID_OF[type(answer)](answer) for answer in request.answers if type(answer) in _ID_OF}
    if len(made) > 1:
        yield f"{request.request_id} was answered with {made}"
    settled_at, done = None, set[str]()
    for telling in sorted(request.tellings, key=lambda each: each.received):
        if isinstance(telling.answer, Payment):
            own = {o.operation_id for o in telling.answer.operations if _is_done_by(o, request.request_id)}
            if settled_at is not None and telling.sent > settled_at and not done <= own:
                yield f"{request.request_id} was answered with {done}, and then with {own}"
            if own and settled_at is None:
                settled_at = telling.received
            done |= own
    yield from _refused_for_ever(request)
    for telling in request.tellings:
        refused = isinstance(telling.answer, BayarError) and telling.answer.code.name not in _OF_THE_MOMENT
        if refused and settled_at is not None and telling.sent > settled_at:
            yield f"{request.request_id} was done, and then refused: {telling.answer!r}"


def _refused_for_ever(request: Asked) -> Iterator[str]:
    """What was refused for the state that it met stays refused, or money moves when nobody expects it any more."""
    standing = [t for t in request.tellings if isinstance(t.answer, BayarError) and t.answer.reason in _STANDING]
    for telling in request.tellings:
        for earlier in standing:
            refusal = telling.answer.reason if isinstance(telling.answer, BayarError) else "OK"
            if earlier.received < telling.sent and refusal != earlier.answer.reason and not _is_of_the_moment(telling):
                yield f"{request.request_id} was refused ({earlier.answer.reason}), and then answered {refusal}"


def _is_of_the_moment(telling: Telling) -> bool:
    return isinstance(telling.answer, BayarError) and telling.answer.code.name in _OF_THE_MOMENT


def _is_done_by(operation: object, request_id: str) -> bool:
    return getattr(operation, "request_id", "") == request_id and getattr(operation, "state", None) in _DONE


def _answers_what_was_asked(request: Asked) -> Iterator[str]:
    """An answer is about what the request names."""
    wanted = request.arguments
    for answer in request.answers:
        match answer:
            case Payment():
                other = {
                    name: getattr(answer, name)
                    for name in ("payment_id", "reference", "customer_id", "payment_method_id")
                    if wanted.get(name) is not None and getattr(answer, name) != wanted[name]
                }
                # The owner of a stored method pays where no other customer is named.
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
