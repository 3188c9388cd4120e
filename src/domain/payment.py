"""The payment aggregate, event-sourced: an ordered list of operations, and the state derived from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, assert_never

from domain.decline import Decline
from domain.errors import AmountExceeds, AmountUnchanged, IllegalTransition, OperationInProgress, OutcomeConflict
from domain.events import (
    OUTSIDE,
    DifferenceRepaired,
    EventContext,
    GatewayStatusChanged,
    OperationDeclined,
    OperationFailed,
    OperationScheduled,
    OperationStarted,
    OperationSucceeded,
    OutcomeUnknown,
    OutsideOperationRecorded,
    PaymentCreated,
    PaymentEvent,
    PaymentTerms,
)
from domain.ids import OperationId, RequestId
from domain.instrument import Instrument
from domain.money import Money
from domain.movement import Movement, movements_between, positions
from domain.operation import FailureReason, Operation, OperationKind, OperationOrigin, OperationState
from domain.operation_log import OperationLog
from domain.order_details import OrderDetails
from domain.payment_state import ALLOWED, PaymentState
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from domain.warning import MerchantWarning

# No other event changes a transaction's snapshot, and so no other moves money.
_MOVING: Final = (OperationSucceeded, GatewayStatusChanged, OutsideOperationRecorded)


@dataclass(frozen=True, slots=True)
class RefundPart:
    """One part of a refund: the amount, its transaction, and whether a void or a refund returns it."""

    kind: OperationKind
    transaction_id: str
    amount: Money
    # The transaction has not settled, so the refund has to wait.
    must_wait: bool


class Payment(OperationLog):
    """One payment. Methods name actions; all visible state is derived from the operations.

    Not thread-safe: load one for each unit of work.
    """

    def __init__(
        self,
        created: PaymentCreated,
        operations: Iterable[Operation] = (),
        instrument: Instrument | None = None,
        update_time: datetime | None = None,
    ) -> None:
        self.terms: PaymentTerms = created.terms
        self.create_time = created.context.time
        self.creator = created.context.actor
        self.update_time = update_time or created.context.time
        super().__init__(created.terms.amount.currency_code, operations)
        self.instrument = instrument
        # The time of the next settlement poll. Not part of the history.
        self.next_poll_time: datetime | None = None
        self.new_events: list[PaymentEvent] = []
        # The movements of money that each of the new events causes, by the event's index.
        self.new_movements: list[tuple[int, Movement]] = []

    @classmethod
    def create(cls, terms: PaymentTerms, *, context: EventContext) -> Payment:
        created = PaymentCreated(context=context, terms=terms)
        payment = cls(created)
        payment.new_events.append(created)
        return payment

    @classmethod
    def replay(cls, events: Sequence[PaymentEvent]) -> Payment:
        """The payment that results from the history. The first event must be PaymentCreated."""
        created, *later = events
        if not isinstance(created, PaymentCreated):
            raise TypeError("a history begins with PaymentCreated")
        payment = cls(created)
        for event in later:
            payment._apply(event)
        return payment

    @classmethod
    def states_in(cls, events: Sequence[PaymentEvent]) -> Iterator[PaymentState]:
        """The state after each event of a history. Before its first operation, a payment is pending."""
        payment = cls.replay(events[:1])
        yield PaymentState.PENDING
        for event in events[1:]:
            payment._apply(event)
            yield payment.state if payment.operations else PaymentState.PENDING

    @classmethod
    def movements_in(cls, events: Sequence[PaymentEvent]) -> list[tuple[int, Movement]]:
        """The movements of money of a whole history, each with the index of the event that causes it."""
        created, *later = events
        payment = cls.replay([created])
        payment.new_events.append(created)
        for event in later:
            payment._record(event)
        return payment.new_movements

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Payment):
            return NotImplemented
        return (self.terms, self.create_time, self.operations, self.instrument) == (
            other.terms,
            other.create_time,
            other.operations,
            other.instrument,
        )

    __hash__ = None  # type: ignore[assignment]

    # Requests to the gateway

    def authorize(self, operation_id: OperationId, request_id: RequestId, *, context: EventContext) -> Operation:
        """Starts the authorization, or starts it again if it surely was never sent."""
        if self.operations:
            self._must_allow(OperationKind.AUTHORIZE)
            reason = self.operations[-1].failure_reason
            if reason is None or not reason.surely_not_sent:
                raise IllegalTransition(self.terms.payment_id, self.state, OperationKind.AUTHORIZE)
        return self._start(OperationKind.AUTHORIZE, self.terms.amount, operation_id, request_id, context=context)

    def capture(
        self,
        amount: Money | None,
        operation_id: OperationId,
        request_id: RequestId,
        *,
        final: bool = False,
        order_details: OrderDetails | None = None,
        context: EventContext,
    ) -> Operation:
        """Starts a capture of the amount, or of the remaining amount. A final capture releases the uncaptured rest."""
        self._must_allow(OperationKind.CAPTURE)
        available = self.capturable_amount
        if not available:
            raise IllegalTransition(self.terms.payment_id, self.state, OperationKind.CAPTURE)
        amount = available if amount is None else amount
        if amount > available:
            raise AmountExceeds(self.terms.payment_id, OperationKind.CAPTURE, amount, available)
        untouched = available == self.authorized_amount
        return self._start(
            OperationKind.CAPTURE,
            amount,
            operation_id,
            request_id,
            target_transaction_id=self.authorization.transaction_id,
            in_part=not (untouched and (final or amount == available)),
            final=final,
            order_details=order_details,
            context=context,
        )

    def adjust(
        self, amount: Money, operation_id: OperationId, request_id: RequestId, *, note: str = "", context: EventContext
    ) -> Operation:
        """Starts the change of the authorized amount to the given one, up or down. Nothing may be captured yet."""
        self._must_allow(OperationKind.ADJUST)
        standing = self.authorization_standing
        if standing is None or standing.status is not TransactionStatus.AUTHORIZED:
            raise IllegalTransition(self.terms.payment_id, self.state, OperationKind.ADJUST)
        if amount == self.authorized_amount:
            raise AmountUnchanged(self.terms.payment_id, amount)
        target = self.authorization.transaction_id
        return self._start(
            OperationKind.ADJUST,
            amount,
            operation_id,
            request_id,
            target_transaction_id=target,
            note=note,
            context=context,
        )

    def void(
        self, operation_id: OperationId, request_id: RequestId, *, note: str = "", context: EventContext
    ) -> Operation:
        """Starts the void of a hold, or of a whole capture that has not settled.

        For a payment captured in parts, it releases the rest of the hold. Captured parts stay.
        """
        self._must_allow(OperationKind.VOID)
        standing = self.authorization_standing
        is_released = self.is_captured_in_part and not self.capturable_amount
        if standing is None or not standing.status.is_voidable or is_released:
            raise IllegalTransition(self.terms.payment_id, self.state, OperationKind.VOID)
        return self._start_void(self.authorization.transaction_id, operation_id, request_id, note=note, context=context)

    def plan_refund(self, amount: Money | None) -> list[RefundPart]:
        """Plans how to return the amount, or the whole remaining amount, oldest capture first.

        A whole transaction that has not settled is voided. A partial amount of one waits until it settles.
        """
        self._must_allow(OperationKind.REFUND)
        available = self.refundable_amount
        if not available:
            raise IllegalTransition(self.terms.payment_id, self.state, OperationKind.REFUND)
        amount = available if amount is None else amount
        if amount > available:
            raise AmountExceeds(self.terms.payment_id, OperationKind.REFUND, amount, available)
        plan: list[RefundPart] = []
        for sale in self.captured_sales:
            part = min(amount, self._unreturned(sale))
            if not part:
                continue
            status = sale.standing.status if sale.standing else TransactionStatus.FAILED
            whole_unsettled = part == sale.amount and status is TransactionStatus.SUBMITTED
            plan.append(
                RefundPart(
                    OperationKind.VOID if whole_unsettled else OperationKind.REFUND,
                    sale.transaction_id,
                    part,
                    must_wait=not whole_unsettled and not status.is_refundable,
                )
            )
            amount -= part
        return plan

    def start_refund_part(
        self,
        part: RefundPart,
        operation_id: OperationId,
        request_id: RequestId,
        *,
        note: str = "",
        context: EventContext,
    ) -> Operation:
        """Starts, or schedules, one part of a refund plan. The plan must come from this payment as it is now."""
        if part.kind is OperationKind.VOID:
            return self._start_void(
                part.transaction_id, operation_id, request_id, for_refund=True, note=note, context=context
            )
        return self._start(
            OperationKind.REFUND,
            part.amount,
            operation_id,
            request_id,
            is_scheduled=part.must_wait,
            target_transaction_id=part.transaction_id,
            note=note,
            context=context,
        )

    def convert_void_to_refund(self, void_id: OperationId, operation_id: OperationId, *, context: EventContext) -> bool:
        """Schedules a refund in place of a refused void. Returns whether it did.

        Only for a void that carried out a refund: VoidPayment requests no refund. Where the record of the sale is
        outdated, and the sale will never settle, the next status of the sale ends the schedule.
        """
        void = self.operation(void_id)
        sale = self.latest_on(void.target_transaction_id)
        refused = void.kind is OperationKind.VOID and void.failure_reason is FailureReason.GATEWAY_REFUSED_REQUEST
        if not void.for_refund or not refused or sale is None or not sale.is_captured_sale:
            return False
        amount = min(void.amount, self._unreturned(sale), self.refundable_amount)
        if not amount:
            return False
        part = RefundPart(OperationKind.REFUND, sale.transaction_id, amount, must_wait=True)
        self.start_refund_part(part, operation_id, void.request_id, note=void.note, context=context)
        return True

    def start_scheduled(self, operation_id: OperationId, *, context: EventContext) -> Operation:
        """Starts a scheduled refund, now that its transaction has settled."""
        operation = self.operation(operation_id)
        if operation.state is not OperationState.SCHEDULED:
            raise OutcomeConflict(operation_id, operation.state, "a start")
        return self._start_again(operation, context=context)

    def postpone(self, operation_id: OperationId, *, context: EventContext) -> None:
        """Reschedules a refund that was scheduled, started, and surely had no effect."""
        operation = self.operation(operation_id)
        if operation.state is not OperationState.STARTED or not operation.was_scheduled:
            raise OutcomeConflict(operation_id, operation.state, "a postponement")
        self._start_again(operation, is_scheduled=True, context=context)
        self._cancel_uncovered(operation.target_transaction_id, context=context)

    # Answers of the gateway

    def succeed(
        self,
        operation_id: OperationId,
        *,
        amount: Money,
        transaction_id: str,
        standing: TransactionSnapshot,
        details: GatewayDetails = GatewayDetails(),
        instrument: Instrument | None = None,
        warnings: tuple[MerchantWarning, ...] = (),
        context: EventContext,
    ) -> None:
        """Records success. Repeating it changes nothing.

        It replaces a failure that only meant "not found". Any other outcome raises OutcomeConflict.
        """
        operation = self.operation(operation_id)
        if operation.state is OperationState.SUCCEEDED:
            return
        gives_way = operation.failure_reason is not None and operation.failure_reason.is_provisional
        if operation.state is not OperationState.STARTED and not gives_way:
            raise OutcomeConflict(operation_id, operation.state, "a success")
        self._record(
            OperationSucceeded(
                context=context,
                operation_id=operation_id,
                amount=amount,
                transaction_id=transaction_id,
                standing=standing,
                details=details,
                instrument=instrument,
                warnings=warnings,
            )
        )
        if operation.kind is OperationKind.VOID:
            self._cancel_scheduled(operation.target_transaction_id, context=context)

    def decline(
        self,
        operation_id: OperationId,
        decline: Decline,
        *,
        details: GatewayDetails = GatewayDetails(),
        instrument: Instrument | None = None,
        warnings: tuple[MerchantWarning, ...] = (),
        context: EventContext,
    ) -> None:
        """Records a decline by the bank or the gateway. Repeating it changes nothing; raises OutcomeConflict."""
        operation = self.operation(operation_id)
        if operation.state is OperationState.DECLINED:
            return
        gives_way = operation.failure_reason is FailureReason.NOT_FOUND_AT_GATEWAY
        if operation.state is not OperationState.STARTED and not gives_way:
            raise OutcomeConflict(operation_id, operation.state, "a decline")
        self._record(
            OperationDeclined(
                context=context,
                operation_id=operation_id,
                decline=decline,
                details=details,
                instrument=instrument,
                warnings=warnings,
            )
        )

    def fail(
        self,
        operation_id: OperationId,
        reason: FailureReason,
        *,
        detail: str = "",
        details: GatewayDetails = GatewayDetails(),
        context: EventContext,
    ) -> None:
        """Records that it surely had no effect. Repeating it changes nothing; raises OutcomeConflict."""
        operation = self.operation(operation_id)
        if operation.state is OperationState.FAILED:
            return
        if not operation.state.is_open:
            raise OutcomeConflict(operation_id, operation.state, "a failure")
        self._record(
            OperationFailed(context=context, operation_id=operation_id, reason=reason, detail=detail, details=details)
        )

    def mark_outcome_unknown(self, operation_id: OperationId, detail: str, *, context: EventContext) -> None:
        """Records that no readable answer came. The operation stays STARTED."""
        if self.operation(operation_id).state is OperationState.STARTED:
            self._record(OutcomeUnknown(context=context, operation_id=operation_id, detail=detail))

    def apply_gateway_status(
        self,
        transaction_id: str,
        standing: TransactionSnapshot,
        *,
        amount: Money,
        details: GatewayDetails = GatewayDetails(),
        context: EventContext,
    ) -> bool:
        """Records the present status of a transaction. Returns whether it is new.

        A status that precedes the recorded one is stale, not new: another answer overtook it, or a search lags.
        """
        operation = self.latest_on(transaction_id)
        if operation is None or (operation.standing, operation.amount) == (standing, amount):
            return False
        if operation.standing is not None and standing.precedes(operation.standing):
            return False
        self._record(
            GatewayStatusChanged(
                context=context, operation_id=operation.operation_id, amount=amount, standing=standing, details=details
            )
        )
        if not standing.status.is_open and not standing.status.is_captured:
            self._cancel_scheduled(transaction_id, context=context)
        return True

    def apply_disputed_amount(
        self, transaction_id: str, disputed_amount: Money | None, *, context: EventContext
    ) -> bool:
        """Records the disputed amount of a transaction beside its recorded status. Returns whether it is new."""
        operation = self.latest_on(transaction_id)
        if operation is None or operation.standing is None:
            return False
        standing = replace(operation.standing, disputed_amount=disputed_amount)
        return self.apply_gateway_status(transaction_id, standing, amount=operation.amount, context=context)

    def record_outside(
        self,
        kind: OperationKind,
        operation_id: OperationId,
        *,
        amount: Money,
        transaction_id: str,
        target_transaction_id: str,
        standing: TransactionSnapshot,
        details: GatewayDetails = GatewayDetails(),
        context: EventContext,
    ) -> None:
        """Records an operation that others made at the gateway. Scheduled refunds that no longer fit fail."""
        self._record(
            OutsideOperationRecorded(
                context=EventContext(context.time, OUTSIDE),
                operation_id=operation_id,
                kind=kind,
                amount=amount,
                transaction_id=transaction_id,
                target_transaction_id=target_transaction_id,
                standing=standing,
                details=details,
            )
        )
        if kind is OperationKind.VOID:
            self._cancel_scheduled(target_transaction_id, context=context)
        elif kind is OperationKind.REFUND:
            self._cancel_uncovered(target_transaction_id, context=context)

    def record_discrepancy(
        self, operation_id: OperationId, difference: str, recorded: str, at_gateway: str, *, context: EventContext
    ) -> None:
        """Records that a check found the record different from the gateway. The next events repair it."""
        self._record(
            DifferenceRepaired(
                context=context,
                operation_id=operation_id,
                difference=difference,
                recorded=recorded,
                at_gateway=at_gateway,
            )
        )

    @property
    def is_asked_to_pay(self) -> bool:
        """Whether its new events request money, rather than only record the gateway's facts."""
        return any(isinstance(e, OperationStarted) and e.kind is OperationKind.AUTHORIZE for e in self.new_events)

    def already_pays(self, asked: PaymentTerms) -> bool:
        """Whether a payment on those terms would pay twice for the order of this one.

        A payment that a customer made with a credential of their own blocks the back end's only if it holds the whole
        amount of the same order. Otherwise, a customer could pay one cent and keep the back end from charging it.
        """
        terms = self.terms
        if not self.is_live or (terms.caller_id, terms.reference) != (asked.caller_id, asked.reference):
            return False
        if terms.reference_space == asked.reference_space:
            return True
        if terms.customer_id is None or terms.customer_id != asked.customer_id:
            return False
        return terms.reference_space is None or self._holds(asked.amount)

    def _holds(self, amount: Money) -> bool:
        """Whether it took at least that amount, can take it, or may have taken it."""
        if amount.currency_code != self.terms.amount.currency_code:
            return False
        if self.state is PaymentState.PENDING:
            return self.terms.amount >= amount
        given_back = self.refunded_amount + self.refund_pending_amount
        return self.captured_amount + self.capturable_amount - given_back >= amount

    def schedule_check(self, operation_id: OperationId, next_check_time: datetime, *, checked: bool = False) -> None:
        """Sets the next check of an open operation, and counts a check that found nothing. Records no event."""
        count = self.operation(operation_id).check_count + checked
        self._change(operation_id, next_check_time=next_check_time, check_count=count)

    # Application of events

    def _record(self, event: PaymentEvent) -> None:
        if isinstance(event, _MOVING):
            before = positions(self)
            self._apply(event)
            moved = movements_between(before, self, event.context.time)
            self.new_movements += [(len(self.new_events), movement) for movement in moved]
        else:
            self._apply(event)
        self.new_events.append(event)

    def clear_new(self) -> None:
        """Forgets the new events and movements: they are stored."""
        self.new_events.clear()
        self.new_movements.clear()

    def _apply(self, event: PaymentEvent) -> None:
        self.update_time = max(self.update_time, event.context.time)
        match event:
            case OperationStarted() | OperationScheduled():
                self._begin(event)
            case OperationSucceeded():
                self._finish(
                    event,
                    OperationState.SUCCEEDED,
                    amount=event.amount,
                    transaction_id=event.transaction_id,
                    standing=event.standing,
                    warnings=event.warnings,
                )
                self.instrument = event.instrument or self.instrument
                self._mark_parent_of(self.operation(event.operation_id))
            case OperationDeclined():
                self._finish(event, OperationState.DECLINED, decline=event.decline, warnings=event.warnings)
                self.instrument = event.instrument or self.instrument
            case OperationFailed():
                self._finish(event, OperationState.FAILED, failure_reason=event.reason, failure_detail=event.detail)
            case GatewayStatusChanged():
                operation = self.operation(event.operation_id)
                self._change(
                    event.operation_id,
                    amount=event.amount,
                    standing=event.standing,
                    details=event.details if event.details != GatewayDetails() else operation.details,
                )
            case OutsideOperationRecorded():
                self._append_outside(event)
            case OutcomeUnknown() | DifferenceRepaired():
                pass
            case PaymentCreated():
                raise TypeError("a payment is created once")
            case _:
                assert_never(event)

    def _begin(self, event: OperationStarted | OperationScheduled) -> None:
        started = isinstance(event, OperationStarted)
        state = OperationState.STARTED if started else OperationState.SCHEDULED
        if any(o.operation_id == event.operation_id for o in self.operations):
            count = self.operation(event.operation_id).start_count + started
            self._change(event.operation_id, state=state, start_count=count)
            return
        begun = Operation(
            operation_id=event.operation_id,
            kind=event.kind,
            state=state,
            amount=event.amount,
            request_id=event.request_id,
            create_time=event.context.time,
            target_transaction_id=event.target_transaction_id,
            in_part=isinstance(event, OperationStarted) and event.in_part,
            order_details=event.order_details if isinstance(event, OperationStarted) else None,
            final=isinstance(event, OperationStarted) and event.final,
            for_refund=isinstance(event, OperationStarted) and event.for_refund,
            was_scheduled=not started,
            start_count=int(started),
            note=event.note,
        )
        self._replace_operations([*self.operations, begun])

    def _append_outside(self, event: OutsideOperationRecorded) -> None:
        done = Operation(
            operation_id=event.operation_id,
            kind=event.kind,
            state=OperationState.SUCCEEDED,
            amount=event.amount,
            request_id=RequestId(""),
            create_time=event.context.time,
            target_transaction_id=event.target_transaction_id,
            origin=OperationOrigin.OUTSIDE,
            in_part=event.kind is OperationKind.CAPTURE and event.transaction_id != event.target_transaction_id,
            finish_time=event.context.time,
            transaction_id=event.transaction_id,
            standing=event.standing,
            details=event.details,
        )
        self._replace_operations([*self.operations, done])
        self._mark_parent_of(done)

    def _mark_parent_of(self, operation: Operation) -> None:
        """A capture or void also changes the snapshot of its target transaction."""
        target = self.latest_on(operation.target_transaction_id)
        if target is None or target.standing is None or operation.standing is None:
            return
        if operation.kind is OperationKind.VOID:
            status = operation.standing.status
        elif operation.kind is OperationKind.CAPTURE and operation.transaction_id != operation.target_transaction_id:
            status = TransactionStatus.PARTIALLY_CAPTURED
        else:
            return
        if not status.precedes(target.standing.status):
            # Otherwise somebody else has released the rest.
            self._change(target.operation_id, standing=replace(target.standing, status=status))

    def _change(self, operation_id: OperationId, **changes: object) -> None:
        before = self.operation(operation_id)
        after = replace(before, **changes)  # type: ignore[arg-type]
        self._replace_operations(after if operation is before else operation for operation in self.operations)

    def _finish(
        self, event: OperationSucceeded | OperationDeclined | OperationFailed, state: OperationState, **changes: object
    ) -> None:
        """Ends the operation. A failure that was recorded before gives way."""
        ended = {"finish_time": event.context.time, "next_check_time": None, "details": event.details}
        failure = {"failure_reason": None, "failure_detail": ""}
        self._change(event.operation_id, state=state, **ended | failure | changes)

    def _must_allow(self, kind: OperationKind) -> None:
        under_way = self.under_way
        if under_way is not None:
            raise OperationInProgress(self.terms.payment_id, under_way.operation_id)
        if kind not in ALLOWED[self.state]:
            raise IllegalTransition(self.terms.payment_id, self.state, kind)

    def _start_void(
        self,
        transaction_id: str,
        operation_id: OperationId,
        request_id: RequestId,
        *,
        for_refund: bool = False,
        note: str,
        context: EventContext,
    ) -> Operation:
        target = self.latest_on(transaction_id)
        is_rest = target is not None and target.standing is not None and not target.is_captured_sale
        amount = self.capturable_amount if is_rest else target.amount if target else self._zero
        return self._start(
            OperationKind.VOID,
            amount,
            operation_id,
            request_id,
            target_transaction_id=transaction_id,
            for_refund=for_refund,
            note=note,
            context=context,
        )

    def _start(
        self,
        kind: OperationKind,
        amount: Money,
        operation_id: OperationId,
        request_id: RequestId,
        *,
        is_scheduled: bool = False,
        **details: Any,
    ) -> Operation:
        """Starts or schedules an operation. `details` holds the event's other fields."""
        event = OperationScheduled if is_scheduled else OperationStarted
        self._record(event(kind=kind, amount=amount, operation_id=operation_id, request_id=request_id, **details))
        return self.operation(operation_id)

    def _start_again(self, operation: Operation, *, is_scheduled: bool = False, context: EventContext) -> Operation:
        return self._start(
            operation.kind,
            operation.amount,
            operation.operation_id,
            operation.request_id,
            is_scheduled=is_scheduled,
            target_transaction_id=operation.target_transaction_id,
            note=operation.note,
            context=context,
        )

    def _cancel_scheduled(self, transaction_id: str, *, context: EventContext) -> None:
        """Fails the refunds that wait for a settlement that will never come."""
        for operation in self.operations:
            if operation.state is OperationState.SCHEDULED and operation.target_transaction_id == transaction_id:
                self.fail(operation.operation_id, FailureReason.NO_LONGER_POSSIBLE, context=context)

    def _cancel_uncovered(self, transaction_id: str, *, context: EventContext) -> None:
        """Fails waiting refunds, latest first, while the transaction's refunds exceed its captured amount."""
        sale = self.latest_on(transaction_id)
        for operation in reversed(self.operations):
            returned = self.returned_of(transaction_id)
            if sale is None or returned <= sale.amount:
                return
            if operation.state is OperationState.SCHEDULED and operation.target_transaction_id == transaction_id:
                left = max(sale.amount - returned + operation.amount, self._zero)
                detail = f"Somebody else refunded it at the gateway; {left} of {operation.amount} is left."
                self.fail(operation.operation_id, FailureReason.NO_LONGER_POSSIBLE, detail=detail, context=context)
