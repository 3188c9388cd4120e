"""One run: callers, replicas and a gateway under faults; then recovery without faults; then the invariants.

A replica has the real use cases and the real adapter of the gateway: bulkhead, breakers, pool and retries, down to
the bytes of each request. Simulated are the clocks, the sockets, the waits, and the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from application.common.errors import InvalidRequest, NotFound, OperationRefused, ReferenceAlreadyPaid, StoreUnavailable
from application.ports.gateway import Adjust, Capture, GatewayUnavailable, Refund, TransactionKind, Void
from domain import ids
from domain.customer import Customer
from domain.errors import AmountExceeds, AmountUnchanged, IllegalTransition, OperationInProgress
from domain.events import PaymentEvent
from domain.ids import CustomerId, OperationId, PaymentId
from domain.operation import Operation, OperationState
from domain.payment import Payment
from tests.fakes.ids import CountingIds
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.memory_store import MemoryStore
from tests.fakes.runtime import HELD, START, ManualClock
from tests.simulation import invariants
from tests.simulation.fault_rates import ANY_FOCUS, FaultRates, Focus, Scenario
from tests.simulation.faulty_network import FaultyNetwork
from tests.simulation.replica import SHOP, Command, Replica
from tests.simulation.scheduler import Actor, Crashed, Scheduler, YieldPoint
from tests.simulation.workload import SentRequest, Workload
from tests.simulation.xml_gateway import XmlGateway

MAX_DELIVERY_DELAY: Final = timedelta(seconds=60)
MAX_SEARCH_LAG: Final = timedelta(seconds=30)
# The errors that a caller may get, beside OUTAGES. A use case may raise no others.
REFUSALS: Final = (
    InvalidRequest,
    NotFound,
    OperationRefused,
    ReferenceAlreadyPaid,
    AmountUnchanged,
    IllegalTransition,
    OperationInProgress,
    AmountExceeds,
)
OUTAGES: Final = (GatewayUnavailable, StoreUnavailable)


class Simulation:
    """The state of one run. Store and gateway survive a crash; the store may be restored from a backup."""

    def __init__(self, seed: int, focus: Focus = ANY_FOCUS) -> None:
        self.seed = seed
        self.random = Random(seed)  # noqa: S311
        self.clock = ManualClock()
        self.ids = CountingIds()
        self.scheduler = Scheduler(self.random, self._is_frozen, lambda: self._advance(timedelta(seconds=0.5)))
        self.scenario = focus.scenario or self.random.choices(tuple(Scenario), (5, 4, 2))[0]
        self.fault_rates = FaultRates.draw(self.random, self.scenario, focus.freezes_at)
        lag = timedelta(seconds=self.random.choice((0, 0, 5, MAX_SEARCH_LAG.total_seconds())))
        self.store = MemoryStore(self.ids)
        self.gateway = MemoryGateway(self.clock, search_lag=lag)
        gateway = XmlGateway(
            self.gateway,
            allows_request_keys=self.random.random() < 0.3,
            accepts_token_with_nonce=self.random.random() < 0.3,
        )
        slowest = self.random.choice((1,) if self.scenario is Scenario.FREEZES else (0, 1, 5))
        self.network = FaultyNetwork(
            gateway, self.clock, self.random, self.fault_rates.gateway, MAX_DELIVERY_DELAY, slowest
        )
        # The time at which each frozen replica continues.
        self._frozen_until: dict[object, datetime] = {}
        self._current_operations: dict[Actor | None, OperationId] = {}
        self._backups: list[Callable[[], None]] = []
        self.is_restored = False
        self.customer_id = CustomerId(self.ids.new(ids.CUSTOMER))
        with self.store.begin() as work:
            work.customers.add(
                Customer(customer_id=self.customer_id, caller_id=SHOP.caller_id, create_time=START, update_time=START)
            )
        fewest = 1 if self.scenario is Scenario.ALL_FAULTS else 2
        self.replicas = [Replica(self) for _ in range(self.random.randint(fewest, 3))]
        self.workload = Workload(self.random, self.customer_id)

    # The run

    def run(self) -> None:
        """Raises InvariantViolated, or an error that no use case may raise."""
        with raising_logged_errors():
            for _ in range(self.random.randint(2, 7)):
                self._run_round()
                self._backups.append(self.store.back_up())
            self._stop_faults()
            self._resolve_all()
            if self.scenario is Scenario.RESTORES:
                self._restore_backup()
                self._resolve_all()
                self._check()
                return
            self._check()
            self._replay_all_requests()
            self._resolve_all()
            self._check()

    def _run_round(self) -> None:
        for _ in range(self.random.randint(4, 8) if self.scenario is Scenario.FREEZES else self.random.randint(1, 6)):
            self._add_actors()
        self.scheduler.run()
        self._run_until_unfrozen()
        if self.random.random() < 0.1:
            self.random.choice(self.replicas).clock.jump(timedelta(seconds=self.random.randint(-3600, 3600)))
        self._advance(timedelta(seconds=self.random.choice((0, 3, 30, 120, 600, 86400))))

    def _stop_faults(self) -> None:
        self.fault_rates = FaultRates({})
        self.network.fault_rates = {}
        self._advance(max(self._frozen_until.values(), default=self.clock.now()) - self.clock.now())
        self.scheduler.run()
        self._advance(MAX_DELIVERY_DELAY)

    def _resolve_all(self) -> None:
        """Run the resolver of every replica, while time passes and the gateway settles, until nothing is open."""
        self._resolve_until(lambda o: o.state is not OperationState.STARTED, timedelta(minutes=6))
        self.gateway.settle()
        self._resolve_until(lambda o: not o.state.is_open, timedelta(minutes=70))
        self.clock.advance(MAX_SEARCH_LAG)
        for payment in self.payments():
            self.replicas[0].verify(payment.terms.payment_id, SHOP)

    def _resolve_until(self, is_done: Callable[[Operation], bool], wait: timedelta) -> None:
        for _ in range(40):
            if all(is_done(o) for payment in self.payments() for o in payment.operations):
                return
            for replica in self.replicas:
                self.scheduler.spawn("resolver", replica, self._ignoring_outages(replica.resolve))
            self.scheduler.spawn("follower", self.replicas[0], self._ignoring_outages(self.replicas[0].follow))
            self.scheduler.run()
            self._advance(wait)

    def _advance(self, time: timedelta) -> None:
        """Advance the clock, and deliver the delayed requests that are due."""
        end = self.clock.now() + time
        while (arrival := self.network.next_delivery) is not None and arrival <= end:
            self.clock.advance(max(arrival - self.clock.now(), timedelta()))
            self.network.deliver_due()
        self.clock.advance(max(end - self.clock.now(), timedelta()))

    def _replay_all_requests(self) -> None:
        """Send every request again, without faults."""
        for sent in self.workload.sent:
            before = sent.answers[-1] if sent.answers else None
            effects = len(self.gateway.effects)
            self._send(sent, self.random.choice(self.replicas))
            after = sent.answers[-1] if sent.answers else None
            if before is not None and after is not None:
                invariants.same_payment(before, after)
                if not invariants.was_never_sent(before, sent.command.request_id):
                    invariants.expect(1, len(self.gateway.effects) == effects, "a repeat moved money again")

    def _run_until_unfrozen(self) -> None:
        """While one replica is frozen, the others resolve its operations, and callers retry."""
        while self._frozen_until and self.random.random() < 0.95:
            self._advance(timedelta(seconds=self.random.choice((5, 100, 200))))
            for replica in self.replicas:
                self.scheduler.spawn("resolver", replica, self._ignoring_outages(replica.resolve))
            self._add_actors()
            self.scheduler.run()

    def _restore_backup(self) -> None:
        """Crash every replica, and restore the database from a backup."""
        for replica in list(self.replicas):
            self._crash(replica)
        self.random.choice(self._backups)()
        self.is_restored = True
        self.workload.sent.clear()

    def _check(self) -> None:
        histories = [(payment, self.history(payment.terms.payment_id)) for payment in self.payments()]
        if self.is_restored:
            invariants.check_restored(histories, self.gateway)
            return
        invariants.check(histories, self.sent_commands(), self.gateway)
        for sent in self.workload.sent:
            for answer in sent.answers:
                invariants.operations_are_kept(answer, self.payment(answer.terms.payment_id))

    # Actors

    def _add_actors(self) -> None:
        replica = self.random.choice(self.replicas)
        kind = self.random.choices(
            ("new", "twins", "repeat", "change", "resolve", "follow", "verify", "batch", "outside"),
            self._actor_weights(),
        )[0]
        payments = self.payments()
        match kind:
            case "new":
                self._add_caller(self.workload.new_payment(), 1)
            case "twins":
                self._add_caller(self.workload.new_payment(), 2)
            case "repeat" if self.workload.sent:
                self._add_caller(self.random.choice(self.workload.sent), 1)
            case "change" if payments:
                change = self.workload.new_change(self.random.choice(payments))
                self._add_caller(change, self.random.choice((1, 1, 1, 2)))
            case "resolve":
                self.scheduler.spawn("resolver", replica, self._ignoring_outages(replica.resolve))
            case "follow":
                self.scheduler.spawn("follower", replica, self._ignoring_outages(replica.follow))
            case "verify" if payments:
                payment_id = self.random.choice(payments).terms.payment_id
                self.scheduler.spawn(
                    "verifier", replica, self._ignoring_outages(lambda: replica.verify(payment_id, SHOP))
                )
            case "batch":
                self.scheduler.spawn("the gateway itself", self.gateway, self._run_settlement_batch)
            case "outside":
                self.scheduler.spawn("external change", self.gateway, self._change_externally)

    def _actor_weights(self) -> Sequence[float]:
        return (12, 2, 3, 8, 4, 1, 1, 2, 0) if self.scenario is Scenario.FREEZES else (4, 1, 3, 14, 4, 1, 2, 3, 1)

    def _add_caller(self, sent: SentRequest, copies: int) -> None:
        for _ in range(copies):
            # For freezes, most calls go to one replica, so that they wait for one another.
            crowd = self.scenario is Scenario.FREEZES and self.random.random() < 0.8
            index = 0 if crowd else self.random.randrange(len(self.replicas))
            replica = self.replicas[index]
            self.scheduler.spawn("caller", replica, lambda replica=replica: self._call_with_retries(sent, replica))  # type: ignore[misc]

    def _call_with_retries(self, sent: SentRequest, replica: Replica) -> None:
        """A caller that retries a few times after an outage."""
        for _ in range(self.random.randint(1, 3)):
            if self._send(sent, replica):
                return
            self.step()

    def _send(self, sent: SentRequest, replica: Replica) -> bool:
        """Send a request. Returns whether there was an answer."""
        try:
            answer = replica.execute(sent.command)
        except REFUSALS:
            return True
        except OUTAGES:
            return False
        invariants.is_durable(answer, self.payment(answer.terms.payment_id))
        invariants.state_is_explained(answer)
        invariants.was_requested_in_full(sent.command, answer)
        sent.answers.append(answer)
        return True

    def _ignoring_outages(self, work: Callable[[], object]) -> Callable[[], None]:
        def ignoring_outages() -> None:
            with suppress(*OUTAGES):
                work()

        return ignoring_outages

    def _run_settlement_batch(self) -> None:
        self.scheduler.pause()
        transactions = self.gateway.all_transactions()
        if transactions:
            one = self.random.choice(transactions).transaction_id
            move = self.random.choices(
                (self.gateway.settle, self.gateway.begin_settling, self.gateway.expire), (12, 2, 1)
            )[0]
            move(one)

    def _change_externally(self) -> None:
        """Refund, capture, adjust or void as in the control panel. The gateway refuses impossible changes."""
        self.scheduler.pause()
        sales = [one for one in self.gateway.all_transactions() if one.kind is TransactionKind.SALE]
        # A sale with a failed authentication is about to be voided.
        sales = [one for one in sales if not (one.details.three_d_secure and one.details.three_d_secure.has_failed)]
        if not sales:
            return
        sale = self.random.choice(sales)
        operation_id = OperationId(f"{invariants.EXTERNAL}{len(self.gateway.effects)}")
        amount = replace(sale.amount, minor_units=self.random.randint(1, sale.amount.minor_units))
        in_part = self.random.random() < 0.7
        match self.random.choices(("refund", "capture", "void", "adjust"), (6, 2, 1, 2))[0]:
            case "adjust":
                # Amounts that no request has, so that each change has one author.
                odd = replace(sale.amount, minor_units=1 + 2 * self.random.randint(200, 600))
                self.gateway.adjust(
                    Adjust(operation_id=operation_id, transaction_id=sale.transaction_id, amount=odd), HELD
                )
            case "refund":
                self.gateway.refund(
                    Refund(operation_id=operation_id, transaction_id=sale.transaction_id, amount=amount), HELD
                )
            case "capture":
                capture = Capture(
                    operation_id=operation_id, transaction_id=sale.transaction_id, amount=amount, in_part=in_part
                )
                self.gateway.capture(capture, HELD)
            case _:
                self.gateway.void(Void(operation_id=operation_id, transaction_id=sale.transaction_id), HELD)

    # Faults at every port call

    def step(self, place: YieldPoint = YieldPoint.OTHER) -> None:
        """Let others run, advance the clock, deliver delayed requests; the process may freeze or crash."""
        actor = self.scheduler.current
        if actor is None:
            return
        self.clock.advance(timedelta(milliseconds=self.random.choice((0, 1, 40, 700))))
        self.network.deliver_due()
        if isinstance(actor.process, Replica):
            self._freeze(actor.process, place)
        self.scheduler.pause()
        if self.happens(self.fault_rates.crash) and isinstance(actor.process, Replica):
            self._crash(actor.process)
            raise Crashed

    def wait(self, is_ready: Callable[[], bool], timeout_seconds: float, place: YieldPoint = YieldPoint.OTHER) -> None:
        """Wait until `is_ready`, or for the timeout. The process may freeze or crash meanwhile."""
        end = self.clock.steady_seconds() + timeout_seconds
        self.step(place)
        self.scheduler.wait(lambda: is_ready() or self.clock.steady_seconds() >= end)

    def happens(self, chance: float) -> bool:
        return chance > 0 and self.random.random() < chance

    def _is_frozen(self, process: object) -> bool:
        thaw = self._frozen_until.get(process)
        if thaw is not None and thaw <= self.clock.now():
            del self._frozen_until[process]
            return False
        return thaw is not None

    @contextmanager
    def calling_for(self, arguments: tuple[object, ...]) -> Iterator[None]:
        """Within, this actor's requests belong to the operation of the first argument, if it has one."""
        actor = self.scheduler.current
        self._current_operations[actor] = getattr(arguments[0] if arguments else None, "operation_id", OperationId(""))
        try:
            yield
        finally:
            del self._current_operations[actor]

    def current_operation_id(self) -> OperationId:
        return self._current_operations[self.scheduler.current]

    def _freeze(self, replica: Replica, place: YieldPoint) -> None:
        """Freeze the replica, perhaps. Only one is frozen at a time: the others resolve its operations."""
        strikes = self.fault_rates.freezes_at in (None, place) and not self._frozen_until
        if strikes and self.happens(self.fault_rates.freeze):
            short = () if self.scenario is Scenario.FREEZES else (1, 20, 100)
            seconds = self.random.choice((*short, 400, 800, 1500))
            self._frozen_until[replica] = self.clock.now() + timedelta(seconds=seconds)

    def _crash(self, replica: Replica) -> None:
        self._frozen_until.pop(replica, None)
        self.scheduler.crash(replica)
        self.replicas[self.replicas.index(replica)] = Replica(self)

    # Reads of the store

    def payments(self) -> list[Payment]:
        with self.store.read() as work:
            page = work.payments.page(None, invariants.EVERY_PAYMENT, after=None, limit=1000)
            return page.payments[::-1]

    def payment(self, payment_id: PaymentId) -> Payment | None:
        with self.store.read() as work:
            return work.payments.get(payment_id)

    def history(self, payment_id: PaymentId) -> list[PaymentEvent]:
        with self.store.read() as work:
            return [entry.event for entry in work.payments.history(payment_id)]

    def sent_commands(self) -> list[Command]:
        return [sent.command for sent in self.workload.sent]


class _FailureCollector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.failures: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        failure = record.exc_info[1] if record.exc_info else None
        if failure is not None and not isinstance(failure, OUTAGES):
            self.failures.append(failure)


@contextmanager
def raising_logged_errors() -> Iterator[None]:
    """Raise the errors that the resolver logs: in the simulation, each is a failure."""
    logger = logging.getLogger("application.recovery.resolve_operations")
    logging.getLogger("adapters.braintree").addHandler(logging.NullHandler())
    handler = _FailureCollector()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
    for failure in handler.failures:
        raise failure
