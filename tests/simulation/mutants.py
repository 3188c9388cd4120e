"""Bugs planted on purpose, at least one for each invariant. The simulation must find every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest.mock import patch

from adapters.braintree import gateway, params, sending, transport
from adapters.braintree.connection import RequestNotSent
from adapters.braintree.gateway import Ask, _RequestKeys
from adapters.braintree.params import Params
from adapters.braintree.platform import Wire
from adapters.braintree.sending import look_at_lease, sending_under
from adapters.braintree.transport import PooledTransport
from application.common.lease import Lease
from application.common.not_found_horizon import NotFoundTimer
from application.idempotency.gateway_call import GatewayCall, GatewayCallExecutor
from application.payments import payment_call, refund_payment
from application.payments.payment_access import lock_payment
from application.payments.payment_call import PaymentRecorder, SingleOperationCall, StartedOperation
from application.payments.record_outcome import record_outcome
from application.ports.gateway import Gateway, Outcome, Unknown
from application.ports.store import DetachedPayment
from application.recovery.resolve_operations import ResolveOperations
from domain.events import EventContext, GatewayStatusChanged, PaymentEvent
from domain.ids import OperationId, PaymentId
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationState
from domain.operation_log import OperationLog
from domain.payment import Payment
from domain.transaction import TransactionStatus
from tests.simulation.scheduler import Place
from tests.simulation.world import ANYTHING, Focus, Theme


@dataclass(frozen=True)
class Mutant:
    """One planted bug, and the invariant that it breaks. Each change names who, what of it, and by what."""

    name: str
    invariant: int
    changes: tuple[tuple[Any, str, Any], ...]
    # Where it is rare: the runs in which it shows.
    focus: Focus = ANYTHING

    @contextmanager
    def planted(self) -> Iterator[None]:
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
    """The call comes first; only what came of it is recorded, all at once."""
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
    outcome = call.send(started[0], self.leases.begin()) if started else None
    payment, intents = self._record_intents(call)
    if not intents or outcome is None:
        return call.result_or_raise(call.present(payment), ())
    return call.result_or_raise(call.record_outcome(intents[0], outcome), intents)


def _call_again(
    self: GatewayCallExecutor, call: Any, *more: Any, original: Callable[..., Payment] = GatewayCallExecutor.send_each
) -> Payment:
    """An unknown outcome is asked for by calling once more."""

    class Insistent:
        def __getattr__(self, name: str) -> Any:
            return getattr(call, name)

        def send(self, *arguments: Any) -> Outcome:
            outcome: Outcome = call.send(*arguments)
            if isinstance(outcome, Unknown):
                outcome = call.send(*arguments)
            return outcome

    return original(self, Insistent(), *more)


def _forget_the_third_beat(
    self: PaymentRecorder,
    payment_id: PaymentId,
    operation_id: OperationId,
    outcome: Outcome,
    actor: str,
    detached: DetachedPayment | None = None,  # noqa: ARG001
) -> Payment:
    """The answer goes out, and the transaction is never committed."""
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


def _fail_on_doubt(self: Payment, operation_id: OperationId, detail: str, *, context: EventContext) -> None:
    """A timeout is called a failure."""
    if self.operation(operation_id).state is OperationState.STARTED:
        self.fail(operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, detail=detail, context=context)


def _count_finished_refunds_only(self: OperationLog) -> Money:
    return max(self.captured_amount - self.refunded_amount, self.captured_amount - self.captured_amount)


def _unreturned_by_finished_refunds(self: OperationLog, sale: Operation) -> Money:
    finished = [
        o
        for o in self._refunds()
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


def _send_in_another_name(gateway: Gateway, operation: Operation, lease: Lease) -> Outcome:
    """The gateway is told another id than the one recorded."""
    other = replace(operation, operation_id=OperationId(f"{operation.operation_id}x"))
    return _send_refund(gateway, other, lease)


_send_refund = refund_payment.send_refund


def _send_without_another_look(
    self: _RequestKeys, ask: Ask, operation_id: OperationId, original: Any = _RequestKeys.ask
) -> object:
    """Only the first request under an operation looks at the lease."""
    first = [True]

    def once_looked(key: Params) -> object:
        if first and first.pop():
            return ask(key)
        with sending_under(_ENDLESS):
            return ask(key)

    return original(self, once_looked, operation_id)


def _look_before_all_waits(original: Any = sending.sending_under) -> Any:
    """The lease is looked at as the call begins, and never again."""

    @contextmanager
    def looking_once(lease: Lease) -> Iterator[None]:
        with original(lease):
            look_at_lease()
            with original(_ENDLESS):
                yield

    return looking_once


def _take_a_new_connection(self: PooledTransport, request: bytes) -> Wire:
    """Where an idle connection turns out to be closed, a new one gets the request whatever the time is."""
    connection = self._pool.take()
    if connection is not None:
        try:
            self._send(connection, request)
            return connection
        except RequestNotSent:
            pass
    with sending_under(_ENDLESS):
        connection = self._opened()
        self._send(connection, request)
    return connection


def _sell_without_another_look(*arguments: Any, original: Any = params.sale, **more: Any) -> Params:
    """The sale that names no token of ours looks at the lease no more."""
    if not more.get("names_token", True):
        sending._lease.set(_ENDLESS)
    sale: Params = original(*arguments, **more)
    return sale


_ENDLESS: Final = Lease(lambda: 0.0, 1.0)


def _property(function: Callable[[Any], object]) -> property:
    return property(function)


MUTANTS: Final = (
    Mutant("a repeat starts a second operation", 1, ((payment_call, "was_never_sent", lambda *_: True),)),
    Mutant("an unknown outcome is called for again", 1, ((GatewayCallExecutor, "send_each", _call_again),)),
    Mutant("a reference may be paid twice", 1, ((Payment, "is_live", _property(lambda _: False)),)),
    Mutant("the call comes before the record", 2, ((GatewayCallExecutor, "execute", _record_after_the_call),)),
    Mutant("the gateway is told another id", 2, ((refund_payment, "send_refund", _send_in_another_name),)),
    Mutant("old answers are believed", 2, ((TransactionStatus, "precedes", lambda *_: False),)),
    Mutant("a timeout is a failure", 3, ((Payment, "mark_outcome_unknown", _fail_on_doubt),)),
    Mutant("absence needs no horizon", 3, ((NotFoundTimer, "is_proven", lambda *_: True),)),
    Mutant("the third beat is not committed", 3, ((PaymentRecorder, "record_outcome", _forget_the_third_beat),)),
    Mutant(
        "open refunds are not counted",
        4,
        (
            (OperationLog, "refundable_amount", _property(_count_finished_refunds_only)),
            (OperationLog, "_unreturned", _unreturned_by_finished_refunds),
        ),
    ),
    Mutant(
        "earlier captures are not counted", 4, ((OperationLog, "capturable_amount", _property(_count_no_captures)),)
    ),
    Mutant("nobody plans another look", 5, ((Payment, "schedule_check", lambda *_, **__: None),)),
    Mutant(
        "the lease is looked at before the wait for a place",
        3,
        ((gateway, "sending_under", _look_before_all_waits()),),
        Focus(Theme.FREEZES, Place.QUEUING),
    ),
    Mutant(
        "the lease is looked at before the connection stands",
        3,
        ((transport, "look_at_lease", lambda: None),),
        Focus(Theme.FREEZES, Place.CONNECTING),
    ),
    Mutant(
        "a second request does without the lease",
        3,
        ((_RequestKeys, "ask", _send_without_another_look),),
        Focus(Theme.FREEZES, Place.SENDING),
    ),
    Mutant(
        "a sale without a token does without the lease",
        3,
        ((params, "sale", _sell_without_another_look),),
        Focus(Theme.FREEZES, Place.SENDING),
    ),
    Mutant(
        "a new connection does without the lease",
        3,
        ((PooledTransport, "_sent", _take_a_new_connection),),
        Focus(Theme.FREEZES, Place.SENDING),
    ),
    Mutant("a lease is never over", 3, ((Lease, "hold", lambda _: None),), Focus(Theme.FREEZES, Place.QUEUING)),
    Mutant(
        "a scheduled refund is sent without a look",
        1,
        ((ResolveOperations, "_find_scheduled", lambda *_: None),),
        Focus(Theme.RESTORES),
    ),
    Mutant("a change is no event", 6, ((Payment, "_record", _change_without_an_event),)),
)
