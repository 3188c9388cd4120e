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
from application.common.caller import Caller
from application.common.lease import Lease
from application.common.not_found_horizon import NotFoundTimer
from application.idempotency import payment_executor as exactly_once
from application.idempotency.payment_executor import Begin, Call, PaymentExecutor, Request
from application.payments import refund_payment
from application.payments.record_outcome import record_outcome
from application.ports.gateway import Gateway, Outcome
from application.ports.store import DetachedPayment
from application.recovery.resolve_operations import ResolveOperations
from domain import ids
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
    self: PaymentExecutor, request: Request, payment_id: PaymentId, begin: Begin, call: Call
) -> Payment:
    """The call comes first; only what came of it is recorded, all at once."""
    operation_id = OperationId(self.ids.new(ids.OPERATION))
    started: list[tuple[Payment, Operation]] = []
    try:
        with self.store.begin() as work:
            record = self.record_of(request, payment_id, self.stamp(request.caller))
            if self.claim(work, record) is None:
                started.append(begin(work, None, operation_id, self.stamp(request.caller)))
            raise _Undo
    except _Undo:
        pass
    outcome = call(*started[0], self.begin_lease()) if started else None
    payment, begun = self._record_start(request, payment_id, operation_id, begin)
    if begun is None or outcome is None:
        return self.repeat(payment, request)
    return self.answer(self.record(payment_id, operation_id, outcome, request.caller), request)


def _call_again(
    self: PaymentExecutor,
    payment: Payment,
    operation: Operation,
    call: Callable[[], Outcome],
    caller: Caller,
    original: Callable[..., Payment] = PaymentExecutor.call_gateway,
    **more: Any,
) -> Payment:
    """An unknown outcome is asked for by calling once more."""

    def insistent() -> Outcome:
        outcome = call()
        return call() if type(outcome).__name__ == "Unknown" else outcome

    return original(self, payment, operation, insistent, caller, **more)


def _forget_the_third_beat(
    self: PaymentExecutor,
    payment_id: PaymentId,
    operation_id: OperationId,
    outcome: Outcome,
    caller: Caller,
    kept: DetachedPayment | None = None,  # noqa: ARG001
) -> Payment:
    """The answer goes out, and the transaction is never committed."""
    with self.store.read() as work:
        found = work.payments.get(payment_id)
    if found is None:
        raise LookupError(payment_id)
    try:
        with self.store.begin() as work:
            payment = exactly_once.locked(work, payment_id)
            record_outcome(work, payment, operation_id, outcome, self.stamp(caller), self.follow)
            raise _Undo
    except _Undo:
        return payment


def _fail_on_doubt(self: Payment, operation_id: OperationId, detail: str, *, stamp: EventContext) -> None:
    """A timeout is called a failure."""
    if self.operation(operation_id).state is OperationState.STARTED:
        self.fail(operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, detail=detail, stamp=stamp)


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
    return _send_return(gateway, other, lease)


_send_return = refund_payment.send_return


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
    Mutant("a repeat starts a second operation", 1, ((exactly_once, "may_try_again", lambda *_: True),)),
    Mutant("an unknown outcome is called for again", 1, ((PaymentExecutor, "call_gateway", _call_again),)),
    Mutant("a reference may be paid twice", 1, ((Payment, "is_live", _property(lambda _: False)),)),
    Mutant("the call comes before the record", 2, ((PaymentExecutor, "execute", _record_after_the_call),)),
    Mutant("the gateway is told another id", 2, ((refund_payment, "send_return", _send_in_another_name),)),
    Mutant("old answers are believed", 2, ((TransactionStatus, "precedes", lambda *_: False),)),
    Mutant("a timeout is a failure", 3, ((Payment, "mark_outcome_unknown", _fail_on_doubt),)),
    Mutant("absence needs no horizon", 3, ((NotFoundTimer, "is_proven", lambda *_: True),)),
    Mutant("the third beat is not committed", 3, ((PaymentExecutor, "record", _forget_the_third_beat),)),
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
