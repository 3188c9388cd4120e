"""Values derived from a payment's operations: state, location of the funds, and every amount."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from domain.decline import CATALOGUE, Decline, DeclineReason
from domain.derived import derived
from domain.ids import OperationId, RequestId
from domain.money import Money
from domain.operation import Operation, OperationKind, OperationState
from domain.payment_state import PaymentState
from domain.quick_enum import QuickEnum
from domain.transaction import TransactionSnapshot, TransactionStatus


class Funds(QuickEnum):
    """The location of the money."""

    UNKNOWN = "unknown"
    NONE = "none"
    HELD = "held"
    CAPTURED = "captured"
    SETTLED = "settled"
    DISBURSED = "disbursed"
    RETURNED = "returned"
    DISPUTED = "disputed"


_AUTHORIZING: Final = (OperationKind.AUTHORIZE, OperationKind.ADJUST)
_SELLING: Final = (*_AUTHORIZING, OperationKind.CAPTURE)
_UNDONE: Final = (
    TransactionStatus.SETTLEMENT_DECLINED,
    TransactionStatus.VOIDED,
    TransactionStatus.DECLINED,
    TransactionStatus.FAILED,
)
_GIVEN_UP: Final = frozenset(
    {TransactionStatus.VOIDED, TransactionStatus.PARTIALLY_CAPTURED, TransactionStatus.RELEASED}
)


class OperationLog:
    """The operations of one payment, oldest first, in one currency.

    Everything here is derived, and nothing is stored. Values that are read often are cached until an operation changes.
    """

    def __init__(self, currency_code: str, operations: Iterable[Operation] = ()) -> None:
        self._zero = Money.zero(currency_code)
        self.operations = tuple(operations)

    def _replace_operations(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        kept = self.__dict__
        for name in _DERIVED:
            if name in kept:
                del kept[name]

    @derived
    def authorization(self) -> Operation:
        """The latest attempt to authorize. Only the latest can have had an effect."""
        return next(o for o in reversed(self.operations) if o.kind is OperationKind.AUTHORIZE)

    @derived
    def authorization_standing(self) -> TransactionSnapshot | None:
        """The snapshot of the authorized transaction, or None where there is none."""
        if self.authorization.state is not OperationState.SUCCEEDED:
            return None
        latest = self.latest_on(self.authorization.transaction_id)
        return latest.standing if latest else None

    @derived
    def state(self) -> PaymentState:
        match self.authorization.state:
            case OperationState.DECLINED:
                return PaymentState.DECLINED
            case OperationState.FAILED:
                return PaymentState.FAILED
            case _ if self.under_way is not None:
                return PaymentState.PENDING
        sales = self.captured_sales
        if sales:
            settled = all(_status(sale) is TransactionStatus.SETTLED for sale in sales)
            return PaymentState.SETTLED if settled else PaymentState.CAPTURED
        statuses = {_status(sale) for sale in self.sales}
        # Every captured part was refunded or refused at settlement: the uncaptured rest is still held.
        if TransactionStatus.SETTLEMENT_DECLINED in statuses and not self.capturable_amount:
            return PaymentState.SETTLEMENT_DECLINED
        if TransactionStatus.EXPIRED in statuses:
            return PaymentState.EXPIRED
        if statuses <= _GIVEN_UP and not self.capturable_amount:
            return PaymentState.VOIDED
        return PaymentState.AUTHORIZED

    @derived
    def funds(self) -> Funds:
        if self.disputed_amount:
            return Funds.DISPUTED
        match self.authorization.state:
            case OperationState.STARTED:
                return Funds.UNKNOWN
            case OperationState.DECLINED | OperationState.FAILED:
                return Funds.NONE
        captured = self.captured_amount
        if not captured:
            statuses = {_status(sale) for sale in self.sales}
            if TransactionStatus.SETTLEMENT_DECLINED in statuses and not self.capturable_amount:
                return Funds.NONE
            if statuses & {TransactionStatus.AUTHORIZED, TransactionStatus.AUTHORIZING}:
                return Funds.HELD
            # Captured in parts, and the rest can still be captured.
            if TransactionStatus.PARTIALLY_CAPTURED in statuses and self.capturable_amount:
                return Funds.HELD
            # Money counts as returned only when no outcome is unknown: a capture under way may have taken it.
            if self.under_way:
                return Funds.HELD
            return Funds.RETURNED
        if self.refunded_amount == captured:
            # The last part may still be under way. Then nothing is left to capture, and that part was not refunded.
            return Funds.HELD if self.capturable_amount or self.under_way else Funds.RETURNED
        if any(_status(sale) is not TransactionStatus.SETTLED for sale in self.captured_sales):
            return Funds.CAPTURED
        return Funds.DISBURSED if self.disburse_date else Funds.SETTLED

    @property
    def is_captured_in_part(self) -> bool:
        """Whether each capture is a transaction of its own, while the rest is, or was, held."""
        standing = self.authorization_standing
        return standing is not None and standing.status is TransactionStatus.PARTIALLY_CAPTURED

    @property
    def is_live(self) -> bool:
        """Whether another payment for the same reference would pay twice.

        True also for a fully refunded payment with an unknown outcome: a capture may have taken more, and its funds
        are HELD until the outcome is known.
        """
        return self.state.is_live and self.funds is not Funds.RETURNED

    @property
    def under_way(self) -> Operation | None:
        """The authorization, adjustment, capture or void whose outcome is not known yet."""
        for operation in self.operations:
            if operation.state is OperationState.STARTED and operation.kind is not OperationKind.REFUND:
                return operation
        return None

    @property
    def is_at_rest(self) -> bool:
        """Whether no operation is open or scheduled, and the gateway will not change any transaction by itself."""
        return not any(o.state.is_open for o in self.operations) and not self.awaited_transactions

    @property
    def awaited_transactions(self) -> list[str]:
        """The transactions whose status the gateway will still change, oldest first."""
        statuses = {name: o.standing.status for name, o in self._latest.items() if o.standing is not None}
        parts_to_come = bool(self.capturable_amount)
        return [
            transaction_id
            for transaction_id, status in statuses.items()
            if status.is_open and (status is not TransactionStatus.PARTIALLY_CAPTURED or parts_to_come)
        ]

    @property
    def refundable_transactions(self) -> list[str]:
        """The captured transactions with a refundable rest, oldest first. Others may refund them at the gateway."""
        return [
            sale.transaction_id for sale in self.captured_sales if self.returned_of(sale.transaction_id) < sale.amount
        ]

    @property
    def awaits_payout(self) -> bool:
        """Whether a capture or refund has settled, and the gateway has not reported its payout yet."""
        return any(
            o.standing is not None
            and o.standing.status is TransactionStatus.SETTLED
            and o.standing.disburse_date is None
            for o in (*self.captured_sales, *self.given_refunds)
        )

    @property
    def transaction_ids(self) -> list[str]:
        """Every transaction at the gateway that holds an effect of this payment, oldest first."""
        return list(dict.fromkeys(o.transaction_id for o in self.operations if o.standing is not None))

    def is_refundable_now(self, transaction_id: str) -> bool:
        """Whether the transaction has settled, so that the gateway refunds it."""
        operation = self.latest_on(transaction_id)
        return operation is not None and operation.standing is not None and operation.standing.status.is_refundable

    @property
    def next_check_time(self) -> datetime | None:
        times = [o.next_check_time for o in self.operations if o.state.is_open]
        return min((time for time in times if time is not None), default=None)

    @derived
    def captured_sales(self) -> tuple[Operation, ...]:
        """The operations that hold captured money, one for each transaction, oldest first."""
        return tuple(sale for sale in self.sales if sale.is_captured_sale)

    @property
    def authorized_amount(self) -> Money:
        """The amount that the authorization holds, or held: as it was adjusted last."""
        return self.authorized_before(None)

    def authorized_before(self, operation: Operation | None) -> Money:
        """The authorized amount before an operation; None: after all of them."""
        amount = self._zero
        for one in self.operations:
            if operation is not None and one.operation_id == operation.operation_id:
                break
            if one.kind in _AUTHORIZING and one.state is OperationState.SUCCEEDED:
                amount = one.amount
        return amount

    @derived
    def captured_amount(self) -> Money:
        return self._sum(self.captured_sales)

    @derived
    def capturable_amount(self) -> Money:
        """The amount CAPTURE may still take: authorized - captured - captures under way; 0 after a final capture."""
        standing = self.authorization_standing
        if standing is None or standing.status not in (
            TransactionStatus.AUTHORIZED,
            TransactionStatus.PARTIALLY_CAPTURED,
        ):
            return self._zero
        captures = [
            o
            for o in self.operations
            if o.kind is OperationKind.CAPTURE and o.state in (OperationState.STARTED, OperationState.SUCCEEDED)
        ]
        if any(capture.final for capture in captures):
            return self._zero
        return max(self.authorized_amount - self._sum(captures), self._zero)

    @derived
    def refunded_amount(self) -> Money:
        return self._sum(self.given_refunds)

    @derived
    def given_refunds(self) -> tuple[Operation, ...]:
        """The refunds that gave money back, oldest first."""
        return tuple([o for o in self._refunds if o.state is OperationState.SUCCEEDED])

    @derived
    def refund_pending_amount(self) -> Money:
        return self._sum(o for o in self._refunds if o.state.is_open)

    @derived
    def disputed_amount(self) -> Money:
        """The part of the captured money that disputes claim. It cannot be refunded: that would pay twice."""
        claims = [sale.standing.disputed_amount for sale in self.sales if sale.standing is not None]
        return self._total([claim for claim in claims if claim is not None])

    def would_pay_twice(self, refund: Operation) -> bool:
        """Whether the refund and the disputed amount of the same transaction exceed its captured amount."""
        sale = self.latest_on(refund.target_transaction_id)
        claimed = sale.standing.disputed_amount if sale is not None and sale.standing is not None else None
        if sale is None or claimed is None:
            return False
        returns = self._sum(
            o
            for o in self._refunds
            if o.target_transaction_id == refund.target_transaction_id
            and o.operation_id != refund.operation_id
            and o.state in (OperationState.STARTED, OperationState.SUCCEEDED)
        )
        return returns + refund.amount + claimed > sale.amount

    @derived
    def refundable_amount(self) -> Money:
        """captured - refunded - refunds under way - disputed, and never below zero."""
        voiding = self._sum(o for o in self.operations if o.state is OperationState.STARTED and self._gives_up(o))
        left = self.captured_amount - self.refunded_amount - self.refund_pending_amount - self.disputed_amount - voiding
        return max(left, self._zero)

    @property
    def final_decline(self) -> Decline | None:
        """The decline that ended the payment, or None where nobody declined it."""
        if self.authorization.decline is not None:
            return self.authorization.decline
        if self.state is PaymentState.SETTLEMENT_DECLINED:
            return CATALOGUE[DeclineReason.SETTLEMENT_DECLINED]
        return None

    @property
    def settle_time(self) -> datetime | None:
        """The time at which the last captured transaction settled, or None until all have."""
        if self.state is not PaymentState.SETTLED:
            return None
        times = [s.standing.settle_time for s in self.captured_sales if s.standing]
        return max((time for time in times if time is not None), default=None)

    @property
    def disburse_date(self) -> date | None:
        """The date on which the last captured transaction was paid out, or None until all were."""
        dates = [s.standing.disburse_date for s in self.captured_sales if s.standing]
        known = [day for day in dates if day is not None]
        return max(known) if known and len(known) == len(dates) else None

    @property
    def settlement_amount(self) -> Money | None:
        """The total paid out, in the currency of the merchant's account, or None until all was."""
        amounts = [s.standing.settlement_amount for s in self.captured_sales if s.standing]
        known = [amount for amount in amounts if amount is not None]
        if not known or len(known) < len(amounts) or len({amount.currency_code for amount in known}) > 1:
            return None
        return Money.total(known, known[0].currency_code)

    def operation(self, operation_id: OperationId) -> Operation:
        """Raises KeyError for an operation of another payment."""
        for operation in self.operations:
            if operation.operation_id == operation_id:
                return operation
        raise KeyError(operation_id)

    def refunded_by(self, request_id: RequestId) -> Money:
        """The amount that a request refunds, whether done or still to come."""
        return self._sum(
            o
            for o in self.operations
            if o.request_id == request_id
            and o.kind in (OperationKind.REFUND, OperationKind.VOID)
            and (o.state.is_open or o.state is OperationState.SUCCEEDED)
        )

    def operations_of(self, request_id: RequestId) -> list[Operation]:
        """The operations that a request started, oldest first. Of retried ones, only the last attempt."""
        own = [o for o in self.operations if o.request_id == request_id]
        return [o for o in own if o.failure_reason is None or not o.failure_reason.surely_not_sent or o is own[-1]]

    @derived
    def sales(self) -> tuple[Operation, ...]:
        """The latest successful authorization, adjustment or capture on each transaction, oldest first."""
        return tuple(latest for latest in self._latest.values() if latest.kind in _SELLING)

    def _gives_up(self, operation: Operation) -> bool:
        """Whether it voids captured money, and not only a hold."""
        target = self.latest_on(operation.target_transaction_id) if operation.kind is OperationKind.VOID else None
        return target is not None and target.is_captured_sale

    @derived
    def _refunds(self) -> tuple[Operation, ...]:
        """Refunds that gave money back or still may."""
        refunds = [o for o in self.operations if o.kind is OperationKind.REFUND]
        return tuple([o for o in refunds if o.standing is None or o.standing.status not in _UNDONE])

    def _unreturned(self, sale: Operation) -> Money:
        """The part of one captured transaction that was not refunded."""
        claimed = sale.standing.disputed_amount if sale.standing else None
        return max(sale.amount - self.returned_of(sale.transaction_id) - (claimed or self._zero), self._zero)

    def returned_of(self, transaction_id: str) -> Money:
        """The refunded amount of the transaction, done or still to come."""
        return self._sum(
            o
            for o in self._refunds
            if o.target_transaction_id == transaction_id and (o.state.is_open or o.state is OperationState.SUCCEEDED)
        )

    def latest_on(self, transaction_id: str) -> Operation | None:
        """The latest successful operation, except voids, whose effect lies in the transaction."""
        return self._latest.get(transaction_id)

    @derived
    def _latest(self) -> dict[str, Operation]:
        """The latest successful operation on each transaction, oldest transaction first.

        The gateway adjusts no hold that is captured whole. So an adjustment by others came before the capture, even if
        it was recorded while the answer of the capture was awaited.
        """
        latest: dict[str, Operation] = {}
        for operation in self.operations:
            if operation.state is not OperationState.SUCCEEDED or operation.kind is OperationKind.VOID:
                continue
            known = latest.get(operation.transaction_id)
            is_earlier = known is not None and known.kind is OperationKind.CAPTURE
            if not (is_earlier and operation.kind is OperationKind.ADJUST):
                latest[operation.transaction_id] = operation
        return latest

    def _sum(self, operations: Iterable[Operation]) -> Money:
        return self._total([o.amount for o in operations])

    def _total(self, amounts: list[Money]) -> Money:
        # Nearly always there are none, or there is one.
        return Money.total(amounts, self._zero.currency_code) if amounts else self._zero


_DERIVED: Final = tuple(name for name, kind in vars(OperationLog).items() if isinstance(kind, derived))


def _status(operation: Operation) -> TransactionStatus | None:
    return operation.standing.status if operation.standing else None
