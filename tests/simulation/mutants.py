"""The mutants: deliberate bugs, at least one for each invariant. The simulation must find each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest.mock import patch

from adapters.braintree import gateway, params
from adapters.braintree.gateway import Ask, _RequestKeys
from adapters.braintree.params import Params
from adapters.braintree.transport import connection_pool as transport
from adapters.braintree.transport import lease_check as sending
from adapters.braintree.transport.connection import RequestNotSent
from adapters.braintree.transport.connection_pool import PooledTransport
from adapters.braintree.transport.lease_check import check_lease, holding_lease
from adapters.braintree.transport.platform import Wire
from application.common.lease import Lease
from application.common.not_found_horizon import NotFoundTimer
from application.idempotency.gateway_call import GatewayCall, GatewayCallExecutor
from application.idempotency.standing_refusals import STANDING
from application.payments import payment_call, refund_payment
from application.payments.failed_authentication import FailedAuthentication
from application.payments.find_lost_outcome import find_lost_outcome
from application.payments.payment_access import lock_payment
from application.payments.payment_call import PaymentRecorder, SingleOperationCall, StartedOperation
from application.payments.record_outcome import record_outcome
from application.ports.gateway import Gateway, Outcome, Unknown
from application.ports.store import DetachedPayment, ReferenceTaken
from application.recovery import resolve_outcome
from application.recovery.send_scheduled_refund import SendScheduledRefund
from domain.events import EventContext, GatewayStatusChanged, PaymentEvent
from domain.ids import OperationId, PaymentId
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind, OperationState
from domain.operation_log import OperationLog
from domain.payment import Payment
from domain.transaction import TransactionStatus
from tests.simulation.fault_rates import ANY_FOCUS, Focus, Scenario
from tests.simulation.replica import MERCHANT_ACCOUNTS
from tests.simulation.scheduler import YieldPoint


@dataclass(frozen=True)
class Mutant:
    """A bug, and the invariant that it violates. Each change is (target, attribute, replacement)."""

    name: str
    invariant: int
    changes: tuple[tuple[Any, str, Any], ...]
    # The runs that are likely to show the bug, if it is rare.
    focus: Focus = ANY_FOCUS

    @contextmanager
    def applied(self) -> Iterator[None]:
        with ExitStack() as stack:
            for target, attribute, replacement in self.changes:
                stack.enter_context(patch.object(target, attribute, replacement))
            yield


class _Undo(Exception):
    pass


def _record_after_the_call(
    self: GatewayCallExecutor,
    call: GatewayCall[Payment, Any, Any],
    original: Callable[..., Payment] = GatewayCallExecutor.execute,
) -> Payment:
    """Calls the gateway first, then records intent and outcome together."""
    if not isinstance(call, SingleOperationCall):
        return original(self, call)
    started: list[StartedOperation] = []
    context = call.request.context(self.clock.now())
    try:
        with self.store.begin() as work:
            if self.guard.claim(work, call.request, call.resource_id, context.time) is None:
                started.append(StartedOperation(*call.start(work, None, context)))
            raise _Undo
    except _Undo:
        pass
    except (ReferenceTaken, *STANDING):
        return original(self, call)
    outcome = call.send(started[0], self.leases.begin()) if started else None
    try:
        payment, intents = self.record_intents(call)
    except (ReferenceTaken, *STANDING) as failure:
        return self._record_refusal(call, call.refusal_of(failure))
    if not intents or outcome is None:
        return call.result_or_raise(call.present(payment), ())
    return call.result_or_raise(call.record_outcome(intents[0], outcome), intents)


def _retry_unknown_outcome(
    self: GatewayCallExecutor, call: Any, *more: Any, original: Callable[..., Payment] = GatewayCallExecutor.send_each
) -> Payment:
    """Calls the gateway again after an unknown outcome."""

    class Insistent:
        def __getattr__(self, name: str) -> Any:
            return getattr(call, name)

        def send(self, *arguments: Any) -> Outcome:
            outcome: Outcome = call.send(*arguments)
            if isinstance(outcome, Unknown):
                outcome = call.send(*arguments)
            return outcome

    return original(self, Insistent(), *more)


def _do_not_commit_the_outcome(
    self: PaymentRecorder,
    payment_id: PaymentId,
    operation_id: OperationId,
    outcome: Outcome,
    actor: str,
    detached: DetachedPayment | None = None,  # noqa: ARG001
) -> Payment:
    """Answers without committing the outcome."""
    with self.store.read() as work:
        found = work.payments.get(payment_id)
    if found is None:
        raise LookupError(payment_id)
    try:
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            context = EventContext(self.clock.now(), actor)
            record_outcome(work, payment, operation_id, outcome, context, self.poll_policy)
            raise _Undo
    except _Undo:
        return payment


def _fail_on_unknown_outcome(self: Payment, operation_id: OperationId, detail: str, *, context: EventContext) -> None:
    """Records a timeout as a failure."""
    if self.operation(operation_id).state is OperationState.STARTED:
        self.fail(operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, detail=detail, context=context)


def _count_finished_refunds_only(self: OperationLog) -> Money:
    return max(self.captured_amount - self.refunded_amount, self.captured_amount - self.captured_amount)


def _unreturned_by_finished_refunds(self: OperationLog, sale: Operation) -> Money:
    finished = [
        o
        for o in self._refunds
        if o.target_transaction_id == sale.transaction_id and o.state is OperationState.SUCCEEDED
    ]
    return sale.amount - self._sum(finished)


def _count_no_captures(self: OperationLog) -> Money:
    standing = self.authorization_standing
    captured = standing is None or standing.status.is_captured or not standing.status.is_open
    return self.authorized_amount - self.authorized_amount if captured else self.authorized_amount


def _change_without_an_event(
    self: Payment, event: PaymentEvent, original: Callable[[Payment, PaymentEvent], None] = Payment._record
) -> None:
    if isinstance(event, GatewayStatusChanged):
        self._apply(event)
    else:
        original(self, event)


def _send_with_another_operation_id(
    gateway: Gateway, operation: Operation, lease: Lease, reference: str = ""
) -> Outcome:
    """Sends another operation id than the recorded one."""
    other = replace(operation, operation_id=OperationId(f"{operation.operation_id}x"))
    return _send_refund(gateway, other, lease, reference)


_send_refund = refund_payment.send_refund


def _check_lease_for_the_first_request_only(
    self: _RequestKeys, ask: Ask, operation_id: OperationId, original: Any = _RequestKeys.ask
) -> object:
    """Checks the lease only before the first request of an operation."""
    first = [True]

    def unchecked(key: Params) -> object:
        if first and first.pop():
            return ask(key)
        with holding_lease(_ENDLESS_LEASE):
            return ask(key)

    return original(self, unchecked, operation_id)


def _check_lease_before_all_waits(original: Any = sending.holding_lease) -> Any:
    """Checks the lease only at the start of the call."""

    @contextmanager
    def checking_once(lease: Lease) -> Iterator[None]:
        with original(lease):
            check_lease()
            with original(_ENDLESS_LEASE):
                yield

    return checking_once


def _send_on_a_new_connection_without_lease_check(self: PooledTransport, request: bytes) -> Wire:
    """Opens a new connection after a closed one without checking the lease."""
    connection = self._pool.take()
    if connection is not None:
        try:
            self._send(connection, request)
            return connection
        except RequestNotSent:
            pass
    with holding_lease(_ENDLESS_LEASE):
        connection = self._opened()
        self._send(connection, request)
    return connection


def _sale_without_lease_check(*arguments: Any, original: Any = params.sale, **more: Any) -> Params:
    """Skips the lease check for a sale without a token of ours."""
    if not more.get("names_token", True):
        sending._lease.set(_ENDLESS_LEASE)
    sale: Params = original(*arguments, **more)
    return sale


def _sale_in_the_first_account(*arguments: Any, original: Any = params.sale, **more: Any) -> Params:
    """Ignores the payment's own merchant account."""
    sale: Params = original(*arguments, **more)
    return sale | {"merchant_account_id": MERCHANT_ACCOUNTS[0]}


def _find_no_adjustment(
    gateway: Gateway, payment: Payment, operation: Operation, original: Any = find_lost_outcome
) -> Outcome | None:
    """Never finds a lost adjustment, whatever the amount is."""
    if operation.kind is OperationKind.ADJUST:
        return None
    outcome: Outcome | None = original(gateway, payment, operation)
    return outcome


def _ignore_adjustments(self: OperationLog, operation: Operation | None) -> Money:  # noqa: ARG001
    """Takes the amount of the authorization for the amount that is held."""
    is_done = self.authorization.state is OperationState.SUCCEEDED
    return self.authorization.amount if is_done else self._zero


_ENDLESS_LEASE: Final = Lease(lambda: 0.0, 1.0)


def _property(function: Callable[[Any], object]) -> property:
    return property(function)


MUTANTS: Final = (
    Mutant("a replay starts a second operation", 1, ((payment_call, "was_never_sent", lambda *_: True),)),
    Mutant(
        "an unknown outcome is retried at the gateway", 1, ((GatewayCallExecutor, "send_each", _retry_unknown_outcome),)
    ),
    Mutant("a reference can be paid twice", 1, ((Payment, "is_live", _property(lambda _: False)),)),
    Mutant("the call precedes the record of intent", 2, ((GatewayCallExecutor, "execute", _record_after_the_call),)),
    Mutant("another operation id is sent", 2, ((refund_payment, "send_refund", _send_with_another_operation_id),)),
    Mutant("older answers overwrite newer ones", 2, ((TransactionStatus, "precedes", lambda *_: False),)),
    Mutant("a timeout is recorded as a failure", 3, ((Payment, "mark_outcome_unknown", _fail_on_unknown_outcome),)),
    Mutant(
        "a missing transaction fails without the not-found horizon", 3, ((NotFoundTimer, "is_proven", lambda *_: True),)
    ),
    Mutant("the outcome is not committed", 3, ((PaymentRecorder, "record_outcome", _do_not_commit_the_outcome),)),
    Mutant(
        "open refunds are ignored",
        4,
        (
            (OperationLog, "refundable_amount", _property(_count_finished_refunds_only)),
            (OperationLog, "_unreturned", _unreturned_by_finished_refunds),
        ),
    ),
    Mutant("earlier captures are ignored", 4, ((OperationLog, "capturable_amount", _property(_count_no_captures)),)),
    Mutant("adjustments are ignored", 4, ((OperationLog, "authorized_before", _ignore_adjustments),)),
    Mutant(
        "a lost adjustment is not looked for on its transaction",
        3,
        ((resolve_outcome, "find_lost_outcome", _find_no_adjustment),),
    ),
    Mutant(
        "a failed authentication is not taken back",
        2,
        ((FailedAuthentication, "take_back", lambda _, __, ___, outcome, ____: outcome),),
    ),
    Mutant("another merchant account is sent", 2, ((params, "sale", _sale_in_the_first_account),)),
    Mutant("no check is scheduled", 5, ((Payment, "schedule_check", lambda *_, **__: None),)),
    Mutant(
        "the lease is checked before the wait for the bulkhead",
        3,
        ((gateway, "holding_lease", _check_lease_before_all_waits()),),
        Focus(Scenario.FREEZES, YieldPoint.BULKHEAD),
    ),
    Mutant(
        "the lease is checked before the connection is open",
        3,
        ((transport, "check_lease", lambda: None),),
        Focus(Scenario.FREEZES, YieldPoint.CONNECTING),
    ),
    Mutant(
        "a second request skips the lease",
        3,
        ((_RequestKeys, "ask", _check_lease_for_the_first_request_only),),
        Focus(Scenario.FREEZES, YieldPoint.SENDING),
    ),
    Mutant(
        "a sale without a token skips the lease",
        3,
        ((params, "sale", _sale_without_lease_check),),
        Focus(Scenario.FREEZES, YieldPoint.SENDING),
    ),
    Mutant(
        "a new connection skips the lease",
        3,
        ((PooledTransport, "_sent", _send_on_a_new_connection_without_lease_check),),
        Focus(Scenario.FREEZES, YieldPoint.SENDING),
    ),
    Mutant(
        "a lease never expires", 3, ((Lease, "hold", lambda _: None),), Focus(Scenario.FREEZES, YieldPoint.BULKHEAD)
    ),
    Mutant(
        "a scheduled refund is sent without a search",
        1,
        ((SendScheduledRefund, "find_sent", lambda *_: None),),
        Focus(Scenario.RESTORES),
    ),
    Mutant("a status change records no event", 6, ((Payment, "_record", _change_without_an_event),)),
)
