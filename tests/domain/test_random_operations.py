"""Random requests and gateway outcomes: the invariants hold after each step."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.decline import CATALOGUE
from domain.errors import DomainError
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind, OperationOrigin, OperationState
from domain.operation_log import Funds, OperationLog
from domain.payment import Payment
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.domain.builders import STAMP, a_payment, a_request_id, an_operation_id, succeed, usd

AUTHORIZED = 20
cents = st.integers(1, AUTHORIZED + 5).map(usd)
DERIVED = [name for name, kind in vars(OperationLog).items() if isinstance(kind, (property, cached_property))]
NOT_FOUND = (FailureReason.NOT_FOUND_AT_GATEWAY, FailureReason.CLOSED_BY_ADMINISTRATOR)

LEGAL_STEPS = {
    (None, OperationState.STARTED),
    (None, OperationState.SCHEDULED),
    (OperationState.SCHEDULED, OperationState.STARTED),
    (OperationState.SCHEDULED, OperationState.FAILED),
    (OperationState.STARTED, OperationState.SCHEDULED),
    (OperationState.STARTED, OperationState.SUCCEEDED),
    (OperationState.STARTED, OperationState.DECLINED),
    (OperationState.STARTED, OperationState.FAILED),
    # A failure that only meant "nobody found it".
    (OperationState.FAILED, OperationState.SUCCEEDED),
    (OperationState.FAILED, OperationState.DECLINED),
}


def is_legal(before: Operation | None, after: Operation) -> bool:
    """Whether an operation may go from the one form to the other in one step."""
    if before is not None and before.state is after.state:
        return True
    if before is None and after.origin is OperationOrigin.OUTSIDE:
        # Operations of others are recorded as they were found.
        return after.state is OperationState.SUCCEEDED
    step = (before.state if before else None, after.state)
    if before is not None and before.state is OperationState.FAILED and before.failure_reason not in NOT_FOUND:
        return False
    if step == (OperationState.STARTED, OperationState.SCHEDULED) and not after.was_scheduled:
        return False
    return step in LEGAL_STEPS


def arrived(refund: Operation) -> bool:
    """Whether it gave money back: a refund that the bank turns back at settlement leaves the money with the shop."""
    is_turned_back = refund.standing is not None and refund.standing.status is TransactionStatus.SETTLEMENT_DECLINED
    return refund.state is OperationState.SUCCEEDED and not is_turned_back


class AnyCourse(RuleBasedStateMachine):
    """A payment, and the little of a gateway that it takes to answer it."""

    @initialize()
    def begin(self) -> None:
        self.payment = a_payment(usd(AUTHORIZED))
        self.payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
        self.seen: dict[str, Operation] = {}
        self.transactions = 0

    def new_transaction(self) -> str:
        self.transactions += 1
        return f"tx{self.transactions}"

    def pick(self, data: st.DataObject, *states: OperationState) -> Operation | None:
        there = [o for o in self.payment.operations if o.state in states]
        return data.draw(st.sampled_from(there)) if there else None

    # Requests of callers

    @rule(amount=st.none() | cents, final=st.booleans())
    def capture(self, amount: Money | None, final: bool) -> None:
        was_live = self.payment.is_live
        self.attempt(
            lambda: self.payment.capture(amount, an_operation_id(), a_request_id(), final=final, context=STAMP)
        )
        # So another payment cannot have taken the reference.
        assert was_live or self.payment.under_way is None

    @rule(amount=cents)
    def adjust(self, amount: Money) -> None:
        was_live = self.payment.is_live
        self.attempt(lambda: self.payment.adjust(amount, an_operation_id(), a_request_id(), context=STAMP))
        assert was_live or self.payment.under_way is None

    @rule()
    def void(self) -> None:
        was_live = self.payment.is_live
        self.attempt(lambda: self.payment.void(an_operation_id(), a_request_id(), context=STAMP))
        assert was_live or self.payment.under_way is None

    @rule()
    def authorize_again(self) -> None:
        self.attempt(lambda: self.payment.authorize(an_operation_id(), a_request_id(), context=STAMP))

    @rule(amount=st.none() | cents)
    def refund(self, amount: Money | None) -> None:
        before = self.payment.refundable_amount

        def plan_and_start() -> None:
            plan = self.payment.plan_refund(amount)
            wanted = before if amount is None else amount
            assert Money.total((part.amount for part in plan), "USD") == wanted
            assert all(part.amount for part in plan)
            for part in plan:
                self.payment.start_refund_part(part, an_operation_id(), a_request_id(), context=STAMP)

        self.attempt(plan_and_start)

    def attempt(self, ask: object) -> None:
        before = deepcopy(self.payment.operations), len(self.payment.new_events)
        try:
            ask()  # type: ignore[operator]
        except DomainError:
            assert (self.payment.operations, len(self.payment.new_events)) == before

    # Actions of the gateway

    @rule(data=st.data(), settles_at_once=st.booleans())
    def answer_yes(self, data: st.DataObject, settles_at_once: bool) -> None:
        operation = self.pick(data, OperationState.STARTED)
        if operation is None or not self.could_succeed(operation):
            return
        self.tell_success(operation, settles_at_once)

    def tell_success(self, operation: Operation, settles_at_once: bool) -> None:
        match operation.kind:
            case OperationKind.AUTHORIZE:
                status = TransactionStatus.SUBMITTED if settles_at_once else TransactionStatus.AUTHORIZED
                succeed(self.payment, operation, status, self.new_transaction())
            case OperationKind.CAPTURE if operation.in_part:
                succeed(self.payment, operation, TransactionStatus.SUBMITTED, self.new_transaction())
            case OperationKind.CAPTURE:
                succeed(self.payment, operation, TransactionStatus.SUBMITTED)
            case OperationKind.VOID:
                succeed(self.payment, operation, TransactionStatus.VOIDED)
            case OperationKind.ADJUST:
                succeed(self.payment, operation, TransactionStatus.AUTHORIZED)
                assert self.payment.authorized_amount == operation.amount
            case OperationKind.REFUND:
                succeed(self.payment, operation, TransactionStatus.SUBMITTED, self.new_transaction())

    def could_succeed(self, operation: Operation) -> bool:
        """A sane gateway's rule: no void after settlement, no refund before it."""
        target = self.payment.latest_on(operation.target_transaction_id)
        status = target.standing.status if target and target.standing else None
        match operation.kind:
            case OperationKind.AUTHORIZE:
                return True
            case OperationKind.CAPTURE:
                held = (TransactionStatus.AUTHORIZED, TransactionStatus.PARTIALLY_CAPTURED)
                return status in held and operation.amount <= self.left_to_capture()
            case OperationKind.VOID:
                return status is not None and status.is_voidable
            case OperationKind.ADJUST:
                return status is TransactionStatus.AUTHORIZED
            case OperationKind.REFUND:
                if target is None or status is None or not status.is_refundable:
                    return False
                return operation.amount <= self.left_to_refund(target)

    def left_to_capture(self) -> Money:
        """At the gateway, which does not know of what is only on its way."""
        done = [
            o.amount
            for o in self.payment.operations
            if o.kind is OperationKind.CAPTURE and o.state is OperationState.SUCCEEDED
        ]
        return self.payment.authorized_amount - Money.total(done, "USD")

    def left_to_refund(self, sale: Operation) -> Money:
        done = [
            o.amount
            for o in self.payment.operations
            if o.kind is OperationKind.REFUND and o.target_transaction_id == sale.transaction_id and arrived(o)
        ]
        return sale.amount - Money.total(done, "USD")

    @rule(data=st.data())
    def answer_no(self, data: st.DataObject) -> None:
        operation = self.pick(data, OperationState.STARTED)
        if operation is not None:
            decline = data.draw(st.sampled_from(sorted(CATALOGUE.values(), key=lambda d: d.reason.value)))
            self.payment.decline(operation.operation_id, decline, context=STAMP)

    @rule(data=st.data(), reason=st.sampled_from(FailureReason))
    def fail(self, data: st.DataObject, reason: FailureReason) -> None:
        operation = self.pick(data, OperationState.STARTED, OperationState.SCHEDULED)
        if operation is not None:
            self.payment.fail(operation.operation_id, reason, context=STAMP)

    @rule(data=st.data())
    def lose_the_answer(self, data: st.DataObject) -> None:
        operation = self.pick(data, OperationState.STARTED)
        if operation is not None:
            self.payment.mark_outcome_unknown(operation.operation_id, "reset", context=STAMP)

    @rule(data=st.data())
    def contradict(self, data: st.DataObject) -> None:
        """Answers that come after another one are refused, or believed where nobody was sure."""
        operation = self.pick(data, OperationState.SUCCEEDED, OperationState.DECLINED)
        if operation is None:
            return
        before = deepcopy(self.payment.operations)
        for tell in (
            lambda: self.payment.decline(operation.operation_id, next(iter(CATALOGUE.values())), context=STAMP),
            lambda: self.payment.fail(operation.operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, context=STAMP),
        ):
            self.attempt(tell)
        assert self.payment.operations == before

    @precondition(lambda self: len(self.payment.operations) == 1)
    @rule(settles_at_once=st.booleans())
    def succeed_late(self, settles_at_once: bool) -> None:
        operation = self.payment.authorization
        if operation.failure_reason in NOT_FOUND:
            self.tell_success(operation, settles_at_once)
            assert self.payment.authorization.state is OperationState.SUCCEEDED

    @rule(data=st.data())
    def start_what_was_scheduled(self, data: st.DataObject) -> None:
        operation = self.pick(data, OperationState.SCHEDULED)
        if operation is not None and self.payment.is_refundable_now(operation.target_transaction_id):
            self.payment.start_scheduled(operation.operation_id, context=STAMP)

    @rule(data=st.data())
    def postpone(self, data: st.DataObject) -> None:
        operation = self.pick(data, OperationState.STARTED)
        if operation is not None and operation.was_scheduled:
            self.payment.postpone(operation.operation_id, context=STAMP)

    @rule(data=st.data())
    def apply_gateway_status(self, data: st.DataObject) -> None:
        """Settlement, expiry, and a settlement refused: only where the gateway would."""
        transactions = self.payment.transaction_ids
        if not transactions:
            return
        transaction_id = data.draw(st.sampled_from(transactions))
        latest = self.payment.latest_on(transaction_id)
        if latest is None or latest.standing is None:
            return
        steps = {
            TransactionStatus.AUTHORIZED: [TransactionStatus.EXPIRED],
            TransactionStatus.SUBMITTED: [TransactionStatus.SETTLING, TransactionStatus.SETTLED],
            TransactionStatus.SETTLING: [TransactionStatus.SETTLED, TransactionStatus.SETTLEMENT_DECLINED],
        }.get(latest.standing.status, [])
        refunds_of_it = [o for o in self.payment.operations if o.target_transaction_id == transaction_id]
        if steps and not any(o.state is OperationState.STARTED for o in refunds_of_it):
            status = data.draw(st.sampled_from(steps))
            self.payment.apply_gateway_status(
                transaction_id, TransactionSnapshot(status), amount=latest.amount, context=STAMP
            )

    # Operations of others at the gateway

    def outside(
        self, kind: OperationKind, amount: Money, target: str, status: TransactionStatus, transaction_id: str = ""
    ) -> None:
        self.payment.record_outside(
            kind,
            an_operation_id(),
            amount=amount,
            transaction_id=transaction_id or target,
            target_transaction_id=target,
            standing=TransactionSnapshot(status),
            context=STAMP,
        )

    @rule(data=st.data())
    def refund_outside(self, data: st.DataObject) -> None:
        there = [sale for sale in self.payment.captured_sales if self.payment.is_refundable_now(sale.transaction_id)]
        there = [sale for sale in there if self.left_to_refund(sale)]
        if there:
            sale = data.draw(st.sampled_from(there))
            amount = usd(data.draw(st.integers(1, self.left_to_refund(sale).minor_units)))
            before = self.payment.refunded_amount
            new = self.new_transaction()
            self.outside(OperationKind.REFUND, amount, sale.transaction_id, TransactionStatus.SUBMITTED, new)
            assert self.payment.refunded_amount == before + amount

    @rule(data=st.data(), in_part=st.booleans())
    def capture_outside(self, data: st.DataObject, in_part: bool) -> None:
        standing, left = self.payment.authorization_standing, self.left_to_capture()
        held = (
            {TransactionStatus.AUTHORIZED, TransactionStatus.PARTIALLY_CAPTURED}
            if in_part
            else {TransactionStatus.AUTHORIZED}
        )
        if standing is not None and standing.status in held and left:
            amount = usd(data.draw(st.integers(1, left.minor_units)))
            target = self.payment.authorization.transaction_id
            new = self.new_transaction() if in_part else ""
            self.outside(OperationKind.CAPTURE, amount, target, TransactionStatus.SUBMITTED, new)

    @rule(amount=cents)
    def adjust_outside(self, amount: Money) -> None:
        under_way = self.payment.under_way
        if under_way is not None and under_way.kind is OperationKind.ADJUST:
            # Nobody records it then: the hold is left to the outcome of our own adjustment (external_operations.py).
            return
        standing = self.payment.authorization_standing
        if standing is not None and standing.status is TransactionStatus.AUTHORIZED and amount:
            self.outside(
                OperationKind.ADJUST, amount, self.payment.authorization.transaction_id, TransactionStatus.AUTHORIZED
            )
            assert self.payment.authorized_amount == amount

    @rule(data=st.data())
    def void_outside(self, data: st.DataObject) -> None:
        latest = [self.payment.latest_on(one) for one in self.payment.transaction_ids]
        there = [o for o in latest if o is not None and o.standing is not None and o.standing.status.is_voidable]
        there = [o for o in there if o.kind is not OperationKind.REFUND]
        if there:
            target = data.draw(st.sampled_from(there))
            self.outside(OperationKind.VOID, target.amount, target.transaction_id, TransactionStatus.VOIDED)
            assert not any(
                o.state is OperationState.SCHEDULED and o.target_transaction_id == target.transaction_id
                for o in self.payment.operations
            )

    # Invariants

    @invariant()
    def what_is_kept_is_what_follows(self) -> None:
        """Read at each step, so that it is kept over the next one."""
        anew = OperationLog("USD", self.payment.operations)
        for name in DERIVED:
            assert getattr(self.payment, name) == getattr(anew, name), name

    @invariant()
    def money_is_never_more_than_what_it_comes_from(self) -> None:
        payment = self.payment
        zero = usd(0)
        assert zero <= payment.captured_amount
        assert payment.captured_amount <= payment.authorized_amount or not payment.authorized_amount
        assert zero <= payment.capturable_amount <= payment.authorized_amount
        if payment.authorized_amount:
            assert payment.captured_amount + payment.capturable_amount <= payment.authorized_amount
        assert zero <= payment.refundable_amount
        assert zero <= payment.refunded_amount
        spent = payment.refunded_amount + payment.refund_pending_amount
        if not any(o.kind is OperationKind.VOID and o.state is OperationState.SUCCEEDED for o in payment.operations):
            # The gateway refuses an operation under way when somebody else refunds first.
            assert spent <= payment.captured_amount or payment.captured_amount == zero or self.is_overtaken
            assert payment.refunded_amount <= payment.captured_amount or payment.captured_amount == zero

    @property
    def is_overtaken(self) -> bool:
        operations = self.payment.operations
        return any(o.origin is OperationOrigin.OUTSIDE for o in operations) and any(
            o.state is OperationState.STARTED for o in operations
        )

    @invariant()
    def each_transaction_gives_back_no_more_than_it_took(self) -> None:
        for sale in self.payment.captured_sales:
            back = [
                o
                for o in self.payment.operations
                if o.kind is OperationKind.REFUND and o.target_transaction_id == sale.transaction_id
            ]
            done = [o.amount for o in back if arrived(o)]
            open_ones = [o.amount for o in back if o.state.is_open]
            assert Money.total(done, "USD") <= sale.amount
            if Money.total([*done, *open_ones], "USD") > sale.amount:
                assert self.is_overtaken
                assert not any(o.state is OperationState.SCHEDULED for o in back)

    @invariant()
    def the_history_is_the_payment(self) -> None:
        replayed = Payment.replay(self.payment.new_events)
        assert replayed == self.payment
        assert (replayed.state, replayed.funds) == (self.payment.state, self.payment.funds)

    @invariant()
    def movements_add_up_to_the_amounts(self) -> None:
        moved = [movement for _, movement in self.payment.new_movements]
        assert all(movement.amount for movement in moved)
        net = sum(movement.amount.minor_units * movement.kind.sign for movement in moved)
        assert net == self.payment.captured_amount.minor_units - self.payment.refunded_amount.minor_units
        assert Payment.movements_in(self.payment.new_events) == self.payment.new_movements

    @invariant()
    def a_hold_that_was_captured_whole_is_held_no_longer(self) -> None:
        captures = [o for o in self.payment.operations if o.kind is OperationKind.CAPTURE and not o.in_part]
        if any(o.state is OperationState.SUCCEEDED for o in captures):
            standing = self.payment.authorization_standing
            assert standing is not None
            assert standing.status is not TransactionStatus.AUTHORIZED
            assert self.payment.latest_on(self.payment.authorization.transaction_id) in captures

    @invariant()
    def operations_only_take_legal_steps(self) -> None:
        for operation in self.payment.operations:
            before = self.seen.get(operation.operation_id)
            assert is_legal(before, operation), (before, operation)
            self.seen[operation.operation_id] = operation

    @invariant()
    def live_is_a_live_state_whose_funds_were_not_returned(self) -> None:
        payment = self.payment
        # The same condition as that of the unique index of references.
        assert payment.is_live is (payment.state.is_live and payment.funds is not Funds.RETURNED)
        assert not (payment.under_way and payment.funds is Funds.RETURNED)
        if payment.captured_amount > payment.refunded_amount or payment.capturable_amount or payment.under_way:
            assert payment.is_live

    @invariant()
    def at_most_one_authorization_has_an_effect(self) -> None:
        authorizations = [o for o in self.payment.operations if o.kind is OperationKind.AUTHORIZE]
        assert all(o.state is OperationState.FAILED for o in authorizations[:-1])


AnyCourse.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_any_course = AnyCourse.TestCase
