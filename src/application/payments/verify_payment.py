"""Verifies a payment against the gateway, and repairs the record where they differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.validator import Validator, require_checked
from application.payments.disputed_amounts import with_latest_claims
from application.payments.external_operations import awaits_outcome, unknown_parts, with_unknown_parts
from application.payments.failed_authentication import lacks_authentication
from application.payments.find_lost_outcome import find_lost_outcome
from application.payments.payment_access import load, lock_payment
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.record_outcome import record_outcome, schedule_refund_instead
from application.payments.sync_from_gateway import apply_snapshot, read
from application.ports.gateway import Approved, Declined, Gateway, Outcome, Rejected, Transaction, Unknown
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.events import SERVICE, EventContext
from domain.ids import OperationId
from domain.operation import FailureReason, Operation, OperationKind, OperationState
from domain.payment import Payment


class VerificationOutcome(Enum):
    MATCHES = "matches"
    REPAIRED = "repaired"
    # The gateway does not show an effect that may still be on its way.
    NOT_FOUND_YET = "not_found_yet"
    # They differ, and the gateway shows no explanation.
    DIFFERS = "differs"


# The kinds of operations without a transaction of their own, except for partial captures.
_ON_TARGETS: Final = frozenset({OperationKind.ADJUST, OperationKind.CAPTURE, OperationKind.VOID})
# The fields of TransactionSnapshot that, besides the status, locate the money.
_LOCATING_FIELDS: Final = ("disburse_date", "settlement_amount", "disputed_amount")


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact on which the record and the gateway differed."""

    operation_id: OperationId
    field: str
    recorded: str
    at_gateway: str


@dataclass(frozen=True, slots=True)
class VerifiedPayment:
    payment: Payment
    outcome: VerificationOutcome
    differences: list[Difference]
    verify_time: datetime


@dataclass(frozen=True, slots=True)
class VerifyPayment:
    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    poll_policy: SettlementPollPolicy = SettlementPollPolicy()

    def __call__(self, payment_id: str, caller: Caller, *, language_code: str = "") -> VerifiedPayment:
        """Raises InvalidRequest, NotFound, GatewayUnavailable and StoreUnavailable; then nothing is changed."""
        validator = Validator()
        checked = validator.resource_id("payment_id", payment_id, ids.PAYMENT)
        validator.language("language_code", language_code)
        validator.done()
        return self.verify(load(self.store, require_checked(checked), caller))

    def verify(self, payment: Payment) -> VerifiedPayment:
        """Compares and repairs one payment. Raises GatewayUnavailable and StoreUnavailable."""
        unsure = [o for o in payment.operations if o.state is OperationState.STARTED or _may_still_succeed(o)]
        answers = {o.operation_id: find_lost_outcome(self.gateway, payment, o) for o in unsure}
        # The resolver takes back a sale without the required authentication. Until then, it is no success.
        answers = {name: None if lacks_authentication(payment.terms, one) else one for name, one in answers.items()}
        found = read(self.gateway, payment.transaction_ids)
        return self._record(payment, answers, with_unknown_parts(self.gateway, payment, found))

    @retry_on_conflict
    def _record(
        self, payment: Payment, answers: Mapping[OperationId, Outcome | None], found: Sequence[Transaction]
    ) -> VerifiedPayment:
        context = EventContext(self.clock.now(), SERVICE)
        with self.store.begin() as work:
            current = lock_payment(work, payment.terms.payment_id)
            shown = [with_latest_claims(work, transaction) for transaction in found]
            answered = list(self._record_effects_on_targets(work, current, answers, context))
            found = [transaction for transaction in shown if not awaits_outcome(current, transaction)]
            differences = list(_compare(current, found, payment.transaction_ids))
            before = {operation.operation_id: operation for operation in current.operations}
            for difference in differences:
                current.record_discrepancy(
                    difference.operation_id,
                    difference.field,
                    difference.recorded,
                    difference.at_gateway,
                    context=context,
                )
            for transaction in found:
                apply_snapshot(current, transaction, context, self.poll_policy, self.ids)
            differences += _effects_found(before, current)
            unexplained = [*_missing_transactions(current, shown), *_compare(current, found, current.transaction_ids)]
            missing = False
            for operation_id, answer in answers.items():
                operation = current.operation(operation_id)
                if operation.state is not OperationState.STARTED and not _contradicts_failure(operation, answer):
                    continue
                if answer is None or isinstance(answer, Unknown):
                    missing = True
                    continue
                learned = _outcome_difference(operation, answer)
                if operation.state is not OperationState.STARTED:
                    current.record_discrepancy(
                        operation_id, learned.field, learned.recorded, learned.at_gateway, context=context
                    )
                record_outcome(work, current, operation_id, answer, context, self.poll_policy)
                if isinstance(answer, Rejected):
                    schedule_refund_instead(current, operation_id, self.ids, context)
                differences.append(learned)
            differences = [*answered, *differences]
            work.payments.save(current)
        if unexplained:
            outcome = VerificationOutcome.DIFFERS
            differences += [difference for difference in unexplained if difference not in differences]
        elif differences:
            outcome = VerificationOutcome.REPAIRED
        else:
            outcome = VerificationOutcome.NOT_FOUND_YET if missing else VerificationOutcome.MATCHES
        return VerifiedPayment(current, outcome, differences, context.time)

    def _record_effects_on_targets(
        self, work: UnitOfWork, payment: Payment, answers: Mapping[OperationId, Outcome | None], context: EventContext
    ) -> Iterator[Difference]:
        """Records lost captures, voids and adjustments first: their target shows them, and they are no difference."""
        for operation_id, answer in answers.items():
            operation = payment.operation(operation_id)
            acts_on_it = operation.kind in _ON_TARGETS and not operation.in_part
            is_adjustment = operation.kind is OperationKind.ADJUST
            # Until an adjustment has an outcome, changes of its transaction by others are not recorded.
            is_proof = isinstance(answer, (Approved, Declined, Rejected) if is_adjustment else Approved)
            if operation.state is OperationState.STARTED and acts_on_it and answer is not None and is_proof:
                yield _outcome_difference(operation, answer)
                record_outcome(work, payment, operation_id, answer, context, self.poll_policy)


def _compare(payment: Payment, found: Iterable[Transaction], asked: Iterable[str]) -> Iterable[Difference]:
    by_id = {transaction.transaction_id: transaction for transaction in found}
    for transaction_id in asked:
        operation = payment.latest_on(transaction_id)
        transaction = by_id.get(transaction_id)
        if operation is None or operation.standing is None or transaction is None:
            continue
        yield from differences_on(operation, transaction)


def differences_on(operation: Operation, transaction: Transaction) -> Iterable[Difference]:
    """The differences between the gateway's transaction and the latest operation on it."""
    recorded, at_gateway = operation.standing, transaction.standing
    if recorded is not None:
        if at_gateway.precedes(recorded):
            # A stale answer: the record is newer.
            return
        if recorded.status is not at_gateway.status:
            yield Difference(operation.operation_id, "status", recorded.status.value, at_gateway.status.value)
        for name in _LOCATING_FIELDS:
            before, now = getattr(recorded, name), getattr(at_gateway, name)
            if before != now:
                yield Difference(operation.operation_id, name, str(before or "none"), str(now or "none"))
    if operation.amount != transaction.amount:
        yield Difference(operation.operation_id, "amount", str(operation.amount), str(transaction.amount))


def _effects_found(before: Mapping[OperationId, Operation], payment: Payment) -> Iterable[Difference]:
    """Refunds and captures that took effect unknown to the record."""
    for operation in payment.operations:
        earlier = before.get(operation.operation_id)
        if earlier is None and operation.transaction_id != operation.target_transaction_id:
            yield Difference(operation.operation_id, operation.kind.value, "none", str(operation.amount))
        elif earlier is not None and earlier.state is not operation.state:
            yield Difference(operation.operation_id, "outcome", earlier.state.value, operation.state.value)


def _missing_transactions(payment: Payment, found: Sequence[Transaction]) -> Iterable[Difference]:
    """Transactions that one side lists and the gateway does not show."""
    shown = {transaction.transaction_id for transaction in found}
    for transaction_id in payment.transaction_ids:
        operation = payment.latest_on(transaction_id)
        if operation is not None and transaction_id not in shown:
            yield Difference(operation.operation_id, "transaction", transaction_id, "unknown")
    for transaction in found:
        lister = payment.latest_on(transaction.transaction_id)
        for part in unknown_parts(payment, [transaction]):
            if lister is not None and part not in shown:
                yield Difference(lister.operation_id, "transaction", "unknown", part)


def _may_still_succeed(operation: Operation) -> bool:
    """Whether it was given up, and would have a transaction of its own.

    The effect of others shows on their target, and is recorded with it.
    """
    makes_its_own = operation.in_part or operation.kind in (OperationKind.AUTHORIZE, OperationKind.REFUND)
    return makes_its_own and operation.failure_reason is not None and operation.failure_reason.is_provisional


def _contradicts_failure(operation: Operation, answer: Outcome | None) -> bool:
    """Whether the gateway shows that an operation given up here happened all the same."""
    if not _may_still_succeed(operation):
        return False
    by_hand = operation.failure_reason is FailureReason.CLOSED_BY_ADMINISTRATOR
    return isinstance(answer, Approved) or (isinstance(answer, Declined) and not by_hand)


def _outcome_difference(operation: Operation, outcome: Outcome) -> Difference:
    recorded = "unknown" if operation.state is OperationState.STARTED else operation.state.value
    return Difference(operation.operation_id, "outcome", recorded, type(outcome).__name__.lower())
