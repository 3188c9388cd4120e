"""Compares the database with the gateway's ledger, to the cent, in both directions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from braintree_twin.control import LedgerEntry
from domain.currencies import EXPONENTS
from domain.decline import DeclineReason
from domain.dispute import Dispute
from domain.events import (
    DifferenceRepaired,
    GatewayStatusChanged,
    OperationStarted,
    OperationSucceeded,
    OutsideOperationRecorded,
    PaymentEvent,
)
from domain.operation import Operation, OperationKind, OperationOrigin, OperationState
from domain.payment import Payment
from domain.three_d_secure import ThreeDSecurePolicy
from tests.crash.database_records import Record
from tests.crash.findings import Findings
from tests.order_ids import operation_of

_NEVER_TOOK_EFFECT: Final = frozenset({"processor_declined", "gateway_rejected", "failed"})
_HOLDS: Final = frozenset({"authorized", "authorizing"})
_CAPTURED: Final = frozenset({"submitted_for_settlement", "settling", "settlement_confirmed", "settled"})
# Our status -> the gateway's. The parent of partial captures is "settlement_pending".
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
# The gateway records times in whole seconds.
_TICK_SECONDS: Final = 1.0


class LedgerAudit:
    """One comparison of the database with the gateway's ledger. Adds to the findings."""

    def __init__(
        self,
        findings: Findings,
        records: Sequence[Record],
        ledger: Sequence[LedgerEntry],
        disputes: Sequence[Dispute] = (),
        external: Collection[str] = (),
        adjusted: Collection[str] = (),
    ) -> None:
        """`external` has the transactions of the external client, which the database must show as such; `adjusted` has
        those of the service whose authorization it has tried to adjust.
        """
        self.findings = findings
        self._records = records
        self._ledger = ledger
        self._payments = {str(record.payment.terms.payment_id): record.payment for record in records}
        self._entries = {entry.id: entry for entry in ledger}
        self._operations: dict[str, Operation] = {
            operation.operation_id: operation for payment in self._payments.values() for operation in payment.operations
        }
        self._outside = external
        others = [o for o in self._operations.values() if o.origin is OperationOrigin.OUTSIDE]
        self._others = {o.transaction_id: o for o in others if o.kind is not OperationKind.ADJUST}
        self._adjusted = adjusted
        self._adjustments_of_others = [o for o in others if o.kind is OperationKind.ADJUST]
        self._by_order: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
        for entry in ledger:
            self._by_order[operation_of(entry.order_id)].append(entry)
        self._claims: Counter[str] = Counter()
        for dispute in disputes:
            self._claims[dispute.report.transaction_id] += dispute.report.claim.minor_units

    def check_before_verification(self) -> None:
        """Check the invariants that hold as soon as nothing is open, before VerifyPayment corrects anything."""
        self._every_transaction_is_recorded()

    def check_at_the_end(self, *, clocks_agree: bool) -> None:
        """Check every invariant, after the resolver, settlement and the verification of every payment."""
        self._every_transaction_is_recorded()
        for payment in self._payments.values():
            for operation in payment.operations:
                self._find_at_gateway(payment, operation)
            self._amounts_agree(payment)
        self._each_payment_keeps_its_merchant_account()
        self._external_operations_are_recorded()
        self._one_live_payment_for_each_reference()
        for record in self._records:
            self._replay(record)
            if clocks_agree:
                self.findings.wrong_states += self._events_before_their_effect(record)
            self.findings.wrong_states += _changed_outcomes(record)
            self.findings.wrong_states += _accepted_without_authentication(record)
            self.findings.double_charges += _refunds_above_captures(record)

    # The gateway's ledger against the rows

    def _each_payment_keeps_its_merchant_account(self) -> None:
        """Every transaction of a payment is in the account that its record shows."""
        accounts = {
            str(operation.operation_id): payment.terms.merchant_account_id
            for payment in self._payments.values()
            for operation in payment.operations
        }
        self.findings.wrong_states += [
            f"{entry} is in the account {entry.merchant_account_id}, and the record says {accounts[operation_id]}"
            for operation_id, entries in self._by_order.items()
            for entry in entries
            if operation_id in accounts and accounts[operation_id] != entry.merchant_account_id
        ]

    def _every_transaction_is_recorded(self) -> None:
        effects: Counter[str] = Counter()
        for entry in self._ledger:
            if entry.id in self._outside:
                continue
            operation = self._operations.get(operation_of(entry.order_id))
            if operation is None:
                self.findings.lost_payments.append(f"no row explains {entry}")
                continue
            # In any status: two sales of one operation are a double send, even if the second was rejected.
            effects[operation.operation_id] += 1
            if entry.status in _NEVER_TOOK_EFFECT:
                if operation.state is OperationState.SUCCEEDED and operation.transaction_id == entry.id:
                    self.findings.wrong_states.append(f"{operation.operation_id} succeeded, at the gateway {entry}")
                continue
            if operation.state.is_open:
                continue
            if taken_back(operation) == entry.id:
                if entry.status != "voided":
                    self.findings.lost_payments.append(f"{entry} has no authentication, and is not taken back")
            elif operation.state is not OperationState.SUCCEEDED:
                self.findings.lost_payments.append(f"{entry} happened, and the record says {operation}")
            elif operation.transaction_id != entry.id:
                self.findings.lost_payments.append(f"{entry} happened, and the record names {operation.transaction_id}")
        self.findings.double_charges += [
            f"{operation_id} made {n} transactions: {self._by_order[operation_id]}"
            for operation_id, n in effects.items()
            if n > 1
        ]

    def _external_operations_are_recorded(self) -> None:
        """Each external change is an external operation of its payment, and no other operation is external."""
        for transaction_id in self._outside:
            entry = self._entries[transaction_id]
            if transaction_id not in self._others and entry.status not in _NEVER_TOOK_EFFECT:
                self.findings.lost_payments.append(f"somebody else made {entry}, and no row tells of it")
        self.findings.wrong_states += [
            f"{operation} is told as somebody else's"
            for transaction_id, operation in self._others.items()
            if transaction_id not in self._outside
        ]
        # An adjustment that is not recorded shows in the amounts.
        self.findings.wrong_states += [
            f"{operation} is told as somebody else's"
            for operation in self._adjustments_of_others
            if operation.transaction_id not in self._adjusted
        ]

    def _find_at_gateway(self, payment: Payment, operation: Operation) -> None:
        if operation.state.is_open:
            self.findings.unresolved.append(f"{payment.terms.payment_id}: {operation}")
        if operation.state is not OperationState.SUCCEEDED:
            return
        entry = self._entries.get(operation.transaction_id)
        if entry is None:
            self.findings.lost_payments.append(f"{operation.operation_id} succeeded, and is not at the gateway")
            return
        if operation.kind is OperationKind.VOID:
            if entry.status != "voided":
                self.findings.wrong_states.append(f"{operation.operation_id} voided {entry}")
            return
        latest = payment.latest_on(operation.transaction_id)
        if latest is None or latest.standing is None:
            self.findings.wrong_states.append(f"{operation.operation_id} has no standing")
            return
        if entry.status not in _STATUS_WORDS[latest.standing.status.value]:
            self.findings.wrong_states.append(
                f"{latest.operation_id} is {latest.standing.status.value}, at the gateway {entry}"
            )
        if latest.amount.minor_units != _minor_units(entry):
            self.findings.wrong_states.append(f"{latest.operation_id} is {latest.amount}, at the gateway {entry}")

    def _amounts_agree(self, payment: Payment) -> None:
        captured, refunded = self._at_gateway(payment)
        refundable = max(captured - refunded - payment.refund_pending_amount.minor_units - self._disputed(payment), 0)
        amounts = payment.captured_amount, payment.refunded_amount, payment.refundable_amount
        told = tuple(amount.minor_units for amount in amounts)
        if told != (captured, refunded, refundable):
            self.findings.wrong_states.append(
                f"{payment.terms.payment_id} says {told}, the gateway {(captured, refunded, refundable)}"
            )
        expected = self._state_at_gateway(payment)
        if expected and payment.state.value not in expected:
            self.findings.wrong_states.append(
                f"{payment.terms.payment_id} is {payment.state.value}, at the gateway {'or '.join(sorted(expected))}"
            )
        asked = _asked_last(payment)
        if captured > asked or refunded > captured:
            self.findings.double_charges.append(
                f"{payment.terms.payment_id} of {asked}: captured {captured}, refunded {refunded}"
            )

    def _one_live_payment_for_each_reference(self) -> None:
        live: defaultdict[str, list[str]] = defaultdict(list)
        for payment in self._payments.values():
            captured, refunded = self._at_gateway(payment)
            held = any(entry.status in _HOLDS for entry in self._entries_of(payment))
            if held or captured > refunded + self._disputed(payment):
                live[payment.terms.reference].append(payment.terms.payment_id)
        self.findings.double_charges += [
            f"{reference} is paid by {ids}" for reference, ids in live.items() if len(ids) > 1
        ]

    def _entries_of(self, payment: Payment) -> list[LedgerEntry]:
        """The transactions of its operations, and those that its record names."""
        named = [self._entries[o.transaction_id] for o in payment.operations if o.transaction_id in self._entries]
        made = [entry for o in payment.operations for entry in self._by_order.get(o.operation_id, ())]
        return list({entry.id: entry for entry in (*made, *named)}.values())

    def _disputed(self, payment: Payment) -> int:
        return sum(self._claims[entry.id] for entry in self._entries_of(payment))

    def _at_gateway(self, payment: Payment) -> tuple[int, int]:
        """The captured and the refunded amount at the gateway, in minor units."""
        entries = [entry for entry in self._entries_of(payment) if entry.status in _CAPTURED]
        captured = sum(_minor_units(entry) for entry in entries if entry.type == "sale")
        return captured, sum(_minor_units(entry) for entry in entries if entry.type == "credit")

    def _state_at_gateway(self, payment: Payment) -> set[str]:
        """The payment state that follows from the transactions alone; empty if none follows."""
        sales = [entry for entry in self._entries_of(payment) if entry.type == "sale"]
        statuses = {entry.status for entry in sales}
        if not sales:
            return {"failed"}
        if statuses <= _NEVER_TOOK_EFFECT or taken_back(payment.authorization):
            return {"declined", "failed"}
        if statuses & _CAPTURED:
            return {"settled"} if statuses & _CAPTURED == {"settled"} else {"captured"}
        if statuses & {"settlement_declined", "settlement_failed"}:
            return {"settlement_declined"}
        if statuses == {"authorized"}:
            return {"authorized"}
        return {"voided"} if statuses == {"voided"} else set()

    def _replay(self, record: Record) -> None:
        payment_id = record.payment.terms.payment_id
        replayed = Payment.replay(record.history)
        if replayed != record.payment or replayed.state is not record.payment.state:
            self.findings.wrong_states.append(f"the history of {payment_id} adds up to something else")

    def _is_unexplained(self, record: Record, event: DifferenceRepaired) -> bool:
        """Whether the event repairs an amount that nobody else has changed."""
        transaction_id = record.payment.operation(event.operation_id).transaction_id
        return event.difference == "amount" and transaction_id not in self._adjusted

    def _events_before_their_effect(self, record: Record) -> Iterator[str]:
        """Findings: events that report a gateway status before the gateway had it."""
        for event in record.history:
            if isinstance(event, DifferenceRepaired) and self._is_unexplained(record, event):
                yield f"{event.operation_id} was recorded with {event.recorded}, at the gateway {event.at_gateway}"
            if not isinstance(event, OperationSucceeded | GatewayStatusChanged):
                continue
            operation = record.payment.operation(event.operation_id)
            transaction = event.transaction_id if isinstance(event, OperationSucceeded) else operation.transaction_id
            entry = self._entries.get(transaction)
            if entry is None:
                continue
            words = _STATUS_WORDS.get(event.standing.status.value, {event.standing.status.value})
            times = [datetime.fromisoformat(at).timestamp() for status, at in entry.history if status in words]
            if not times or min(times) > event.context.time.timestamp() + _TICK_SECONDS:
                yield f"{event} was recorded, and the gateway's history is {entry.history}"


def taken_back(operation: Operation) -> str:
    """The sale that was voided because its 3-D Secure authentication failed; empty if there is none."""
    decline, details = operation.decline, operation.details
    is_unauthenticated = decline is not None and decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
    return details.transaction_id if is_unauthenticated and details.three_d_secure is not None else ""


def _accepted_without_authentication(record: Record) -> Iterator[str]:
    """Findings: sales that were recorded as done though their authentication failed and they could be voided."""
    if record.payment.terms.three_d_secure_policy is ThreeDSecurePolicy.NOT_WANTED:
        return
    for event in record.history:
        if isinstance(event, OperationSucceeded) and event.standing.status.is_voidable:
            result = event.details.three_d_secure
            if result is not None and result.has_failed:
                yield f"{event.operation_id} is done, and its authentication {result.gateway_status}"


def _asked_last(payment: Payment) -> int:
    """The amount that the caller asked to hold last, and got, in minor units."""
    kinds = (OperationKind.AUTHORIZE, OperationKind.ADJUST)
    held = [o.amount for o in payment.operations if o.kind in kinds and o.state is OperationState.SUCCEEDED]
    return (held[-1] if held else payment.terms.amount).minor_units


def _minor_units(entry: LedgerEntry) -> int:
    return int(Decimal(entry.amount).scaleb(EXPONENTS[entry.currency]))


def _refunds_above_captures(record: Record) -> Iterator[str]:
    """Findings: refunds, open ones included, above the captured amount at any point of the history.

    A refund by others may take the room of one that is under way: the service cannot know before its answer. No refund
    starts without room, whoever took it.
    """
    most = 0
    others = {event.operation_id for event in record.history if isinstance(event, OutsideOperationRecorded)}
    for count, view in record.snapshots.views.items():
        captured, refunded, pending = view.amounts[1], view.amounts[3], view.amounts[4]
        most = max(most, captured)
        # Events of one transaction count together: a refund without room is dropped with the one that took it.
        is_whole = record.snapshots.times.get(count + 1) != record.snapshots.times[count]
        returned = refunded + pending
        if not _starts_a_refund(record.history[count - 1]):
            returned -= sum(
                amount
                for operation_id, kind, state, amount, _ in view.operations
                if operation_id in others and (kind, state) == ("REFUND", "SUCCEEDED")
            )
        if is_whole and returned > most:
            yield f"after {count} events {view.payment_id} gives back {refunded + pending} of {most}"


def _starts_a_refund(event: PaymentEvent) -> bool:
    return isinstance(event, OperationStarted) and event.kind is OperationKind.REFUND


def _changed_outcomes(record: Record) -> Iterator[str]:
    """Findings: operations whose final outcome changed later."""
    ended: dict[str, str] = {}
    for view in record.snapshots.views.values():
        for operation_id, _, state, _, _ in view.operations:
            if ended.get(operation_id, state) != state:
                yield f"{operation_id} was {ended[operation_id]}, and then {state}"
            if state not in ("STARTED", "SCHEDULED"):
                ended[operation_id] = state
