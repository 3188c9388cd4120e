"""Compares what callers were told, what the database says, and what the gateway did. To the cent, each way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from adapters.persistence.store import SqlStore
from application.ports.store import Position
from bayar import BayarError
from bayar import OperationState as ToldState
from bayar import Payment as ToldPayment
from bayar import PaymentMethod as ToldMethod
from braintree_twin.control import LedgerEntry
from domain.currencies import EXPONENTS
from domain.events import SERVICE, OperationDeclined, OperationFailed, OperationSucceeded, PaymentEvent
from domain.ids import PaymentMethodId
from domain.operation import Operation, OperationKind, OperationState
from domain.payment import Payment
from domain.payment_method import PaymentMethodState
from tests.crash.shoppers import Asked
from tests.order_ids import operation_of

_NEVER_TOOK_EFFECT: Final = frozenset({"processor_declined", "gateway_rejected", "failed"})
_HOLDS: Final = frozenset({"authorized", "authorizing"})
_CAPTURED: Final = frozenset({"submitted_for_settlement", "settling", "settlement_confirmed", "settled"})
_PAGE: Final = 500
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_END: Final = datetime(2100, 1, 1, tzinfo=UTC)

# The gateway's word for each of ours. The parent of partial captures is "settlement_pending".
_STATUS_WORDS: Final = {
    "authorized": {"authorized"},
    "partially_captured": {"settlement_pending"},
    "submitted": {"submitted_for_settlement"},
    "settling": {"settling", "settlement_pending", "settlement_confirmed"},
    "settled": {"settled"},
    "settlement_declined": {"settlement_declined", "settlement_failed"},
    "voided": {"voided"},
    "expired": {"authorization_expired"},
}
_SAME_STATE: Final = {
    ToldState.OPERATION_STATE_SUCCEEDED: OperationState.SUCCEEDED,
    ToldState.OPERATION_STATE_DECLINED: OperationState.DECLINED,
    ToldState.OPERATION_STATE_FAILED: OperationState.FAILED,
}
OPEN: Final = (ToldState.OPERATION_STATE_STARTED, ToldState.OPERATION_STATE_SCHEDULED)


@dataclass(frozen=True, slots=True)
class Record:
    """All that the database holds of one payment."""

    payment: Payment
    history: list[PaymentEvent]


@dataclass(slots=True)
class Verdict:
    """What is wrong, by column. All must be empty."""

    double_charges: list[str] = field(default_factory=list)
    lost_payments: list[str] = field(default_factory=list)
    wrong_states: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.double_charges or self.lost_payments or self.wrong_states or self.unresolved)

    def lines(self) -> list[str]:
        columns = {
            "double charge": self.double_charges,
            "lost payment": self.lost_payments,
            "wrong state": self.wrong_states,
            "unresolved": self.unresolved,
        }
        return [f"{name}: {what}" for name, told in columns.items() for what in told]


def read_records(store: SqlStore) -> list[Record]:
    """Every payment with its history, oldest first."""
    records: list[Record] = []
    after: Position | None = None
    while True:
        with store.read() as work:
            page = work.payments.oldest_first(_EPOCH, _END, after=after, limit=_PAGE)
            records += [
                Record(payment, [entry.event for entry in work.payments.history(payment.terms.payment_id)])
                for payment in page
            ]
        if len(page) < _PAGE:
            return records
        after = Position(page[-1].create_time, page[-1].terms.payment_id)


def compare(
    records: Sequence[Record], ledger: Sequence[LedgerEntry], asked: Sequence[Asked], store: SqlStore
) -> Verdict:
    """What must hold once faults have stopped and the resolver has run."""
    return _Audit(records, ledger, asked, store).verdict


def seconds_to_resolve(records: Sequence[Record]) -> tuple[list[float], list[float]]:
    """How long each operation was open that the service found at the gateway later, and that it proved absent."""
    found: list[float] = []
    absent: list[float] = []
    for record in records:
        for event in record.history:
            if event.stamp.actor != SERVICE or not isinstance(
                event, OperationSucceeded | OperationDeclined | OperationFailed
            ):
                continue
            operation = record.payment.operation(event.operation_id)
            if not operation.was_scheduled:
                seconds = (event.stamp.time - operation.create_time).total_seconds()
                (absent if isinstance(event, OperationFailed) else found).append(seconds)
    return found, absent


class _Audit:
    """One comparison of the three ledgers."""

    def __init__(
        self, records: Sequence[Record], ledger: Sequence[LedgerEntry], asked: Sequence[Asked], store: SqlStore
    ) -> None:
        self.verdict = Verdict()
        self._store = store
        self._ledger = ledger
        self._payments = {str(record.payment.terms.payment_id): record.payment for record in records}
        self._entries = {entry.id: entry for entry in ledger}
        self._operations: dict[str, Operation] = {}
        self._succeeded: defaultdict[str, list[Operation]] = defaultdict(list)
        for payment in self._payments.values():
            for operation in payment.operations:
                self._operations[operation.operation_id] = operation
                if operation.state is OperationState.SUCCEEDED:
                    self._succeeded[operation.request_id].append(operation)
        self._by_order: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
        for entry in ledger:
            self._by_order[operation_of(entry.order_id)].append(entry)
        self._explain_each_transaction()
        for payment in self._payments.values():
            for operation in payment.operations:
                self._find_at_gateway(payment, operation)
            self._add_up(payment)
        self._one_live_payment_each()
        for record in records:
            self._replay(record)
        for request in asked:
            self._one_effect(request)
            self._nothing_is_forgotten(request)

    # The gateway's ledger against the rows

    def _explain_each_transaction(self) -> None:
        effects: Counter[str] = Counter()
        for entry in self._ledger:
            operation = self._operations.get(operation_of(entry.order_id))
            if operation is None:
                self.verdict.lost_payments.append(f"no row explains {entry}")
                continue
            if entry.status in _NEVER_TOOK_EFFECT:
                if operation.state is OperationState.SUCCEEDED and operation.transaction_id == entry.id:
                    self.verdict.wrong_states.append(f"{operation.operation_id} succeeded, at the gateway {entry}")
                continue
            effects[operation.operation_id] += 1
            if operation.state.is_open:
                continue
            if operation.state is not OperationState.SUCCEEDED:
                self.verdict.lost_payments.append(f"{entry} happened, and the record says {operation}")
            elif operation.transaction_id != entry.id:
                self.verdict.lost_payments.append(f"{entry} happened, and the record names {operation.transaction_id}")
        self.verdict.double_charges += [
            f"{operation_id} took effect {n} times" for operation_id, n in effects.items() if n > 1
        ]

    def _find_at_gateway(self, payment: Payment, operation: Operation) -> None:
        if operation.state.is_open:
            self.verdict.unresolved.append(f"{payment.terms.payment_id}: {operation}")
        if operation.state is not OperationState.SUCCEEDED:
            return
        entry = self._entries.get(operation.transaction_id)
        if entry is None:
            self.verdict.lost_payments.append(f"{operation.operation_id} succeeded, and is not at the gateway")
            return
        if operation.kind is OperationKind.VOID:
            if entry.status != "voided":
                self.verdict.wrong_states.append(f"{operation.operation_id} voided {entry}")
            return
        latest = payment.latest_on(operation.transaction_id)
        if latest is None or latest.standing is None:
            self.verdict.wrong_states.append(f"{operation.operation_id} has no standing")
            return
        if entry.status not in _STATUS_WORDS[latest.standing.status.value]:
            self.verdict.wrong_states.append(
                f"{latest.operation_id} is {latest.standing.status.value}, at the gateway {entry}"
            )
        if latest.amount.minor_units != _minor_units(entry):
            self.verdict.wrong_states.append(f"{latest.operation_id} is {latest.amount}, at the gateway {entry}")

    def _add_up(self, payment: Payment) -> None:
        captured, refunded = self._at_gateway(payment)
        told = payment.captured_amount.minor_units, payment.refunded_amount.minor_units
        if told != (captured, refunded):
            self.verdict.wrong_states.append(
                f"{payment.terms.payment_id} says {told}, the gateway {(captured, refunded)}"
            )
        if captured > payment.terms.amount.minor_units or refunded > captured:
            self.verdict.double_charges.append(
                f"{payment.terms.payment_id} of {payment.terms.amount}: captured {captured}, refunded {refunded}"
            )

    def _one_live_payment_each(self) -> None:
        live: defaultdict[str, list[str]] = defaultdict(list)
        for payment in self._payments.values():
            captured, refunded = self._at_gateway(payment)
            if captured > refunded or any(entry.status in _HOLDS for entry in self._entries_of(payment)):
                live[payment.terms.reference].append(payment.terms.payment_id)
        self.verdict.double_charges += [
            f"{reference} is paid by {ids}" for reference, ids in live.items() if len(ids) > 1
        ]

    def _entries_of(self, payment: Payment) -> list[LedgerEntry]:
        return [entry for operation in payment.operations for entry in self._by_order.get(operation.operation_id, ())]

    def _at_gateway(self, payment: Payment) -> tuple[int, int]:
        """What was captured there, and what was refunded, in minor units."""
        entries = [entry for entry in self._entries_of(payment) if entry.status in _CAPTURED]
        captured = sum(_minor_units(entry) for entry in entries if entry.type == "sale")
        return captured, sum(_minor_units(entry) for entry in entries if entry.type == "credit")

    def _replay(self, record: Record) -> None:
        payment_id = record.payment.terms.payment_id
        replayed = Payment.replay(record.history)
        if replayed != record.payment or replayed.state is not record.payment.state:
            self.verdict.wrong_states.append(f"the history of {payment_id} adds up to something else")

    # What callers asked and were told

    def _one_effect(self, request: Asked) -> None:
        own = self._succeeded.get(request.request_id, [])
        if request.method == "refund_payment":
            wanted = request.arguments["amount"]
            returned = sum(o.amount.minor_units for o in own)
            if wanted is not None and returned > wanted.minor_units:
                self.verdict.double_charges.append(
                    f"{request.request_id} gave back {returned}, not {wanted.minor_units}"
                )
        elif len(own) > 1:
            self.verdict.double_charges.append(f"{request.request_id} took effect {len(own)} times: {own}")
        refusals = [answer for answer in request.answers if isinstance(answer, BayarError)]
        surely_nothing = len(refusals) == len(request.answers) and not any(r.outcome_unknown for r in refusals)
        if own and request.answers and surely_nothing:
            self.verdict.wrong_states.append(f"{request.request_id} was refused ({refusals[-1].reason}), and has {own}")

    def _nothing_is_forgotten(self, request: Asked) -> None:
        made: set[str] = set()
        for answer in request.answers:
            if isinstance(answer, ToldPayment):
                made.add(answer.payment_id)
                self._still_true(answer)
            if isinstance(answer, ToldMethod):
                made.add(answer.payment_method_id)
                self._method_still_true(answer)
        if len(made) > 1:
            self.verdict.double_charges.append(f"{request.request_id} was answered with {made}")

    def _still_true(self, told: ToldPayment) -> None:
        payment = self._payments.get(told.payment_id)
        if payment is None:
            self.verdict.lost_payments.append(f"{told.payment_id} was answered, and is gone")
            return
        now = {str(o.operation_id): o for o in payment.operations}
        for operation in told.operations:
            current = now.get(operation.operation_id)
            if current is None:
                self.verdict.lost_payments.append(f"{operation.operation_id} was answered, and is gone")
            elif operation.state in _SAME_STATE and current.state is not _SAME_STATE[operation.state]:
                was = ToldState.Name(operation.state)
                self.verdict.wrong_states.append(f"{operation.operation_id}: told {was}, now {current.state.value}")
            if operation.state in OPEN and not operation.HasField("next_check_time"):
                self.verdict.wrong_states.append(
                    f"{operation.operation_id} was told as open, and not when it is looked at next"
                )
        if any(o.state in OPEN for o in told.operations) and not told.HasField("next_check_time"):
            self.verdict.wrong_states.append(
                f"{told.payment_id} was told as pending, and not when it is looked at next"
            )

    def _method_still_true(self, told: ToldMethod) -> None:
        with self._store.read() as work:
            method = work.payment_methods.get(PaymentMethodId(told.payment_method_id))
        if method is None:
            self.verdict.lost_payments.append(f"{told.payment_method_id} was answered, and is gone")
        elif method.state is PaymentMethodState.PENDING:
            self.verdict.unresolved.append(f"{told.payment_method_id} is still pending")


def _minor_units(entry: LedgerEntry) -> int:
    return int(Decimal(entry.amount).scaleb(EXPONENTS[entry.currency]))
