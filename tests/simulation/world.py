"""One run: callers, replicas and a gateway that fail in every way, then a quiet end, then the accounts.

A replica is the real use cases and the real adapter of the gateway: its bulkhead, breakers, pool and retries, down to
the bytes of each request. Only the machine below is simulated: clocks, sockets, waits; and the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from random import Random
from typing import Final, cast

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.settings import BraintreeSettings
from application.card_testing.velocity_limiter import VelocityLimiter, VelocityLimits
from application.common.caller import Caller
from application.common.errors import InvalidRequest, NotFound, OperationRefused, ReferenceAlreadyPaid, StoreUnavailable
from application.common.lease import LeasePolicy
from application.common.not_found_horizon import NotFoundTimer
from application.common.validator import RawCard, RawMoney
from application.idempotency.fingerprint import Fingerprinter
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard
from application.idempotency.in_flight_requests import InFlightRequests, Key
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.capture_payment import CapturePayment, CapturePaymentCommand
from application.payments.create_payment import CreatePayment, CreatePaymentCommand
from application.payments.payment_call import PaymentRecorder
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.poll_settlements import PollSettlements
from application.payments.refund_payment import RefundPayment, RefundPaymentCommand
from application.payments.sync_from_gateway import SyncPayment
from application.payments.verify_payment import VerifyPayment
from application.payments.void_payment import VoidPayment, VoidPaymentCommand
from application.ports.gateway import (
    Capture,
    Gateway,
    GatewayUnavailable,
    Nonce,
    Refund,
    TransactionKind,
    Unknown,
    Void,
)
from application.ports.store import DueOperation, UnitOfWork
from application.recovery.resolve_operations import ResolveOperations
from domain import ids
from domain.customer import Customer
from domain.errors import AmountExceeds, IllegalTransition, OperationInProgress
from domain.events import SERVICE, CaptureMode, PaymentEvent
from domain.ids import CallerId, CustomerId, OperationId, PaymentId
from domain.operation import Operation, OperationState
from domain.payment import Payment
from domain.transitions import PaymentState
from tests.fakes.ids import CountingIds
from tests.fakes.memory_gateway import VALID_NONCE, Fault, MemoryGateway
from tests.fakes.memory_store import MemoryStore
from tests.fakes.runtime import HELD, START, ManualClock
from tests.simulation import invariants
from tests.simulation.machine import machine_of
from tests.simulation.network import Network
from tests.simulation.scheduler import Actor, Crashed, Place, Scheduler
from tests.simulation.wire import Wire

SHOP: Final = Caller(CallerId("shop"))
CARD: Final = RawCard("4111111111111111", 12, 2035, "123")
LEASE: Final = timedelta(seconds=85)
FIRST_CHECK: Final = timedelta(seconds=2)
# Longer than a late call takes to arrive, and the search to show it.
HORIZON: Final = timedelta(seconds=180)
LATEST_ARRIVAL: Final = timedelta(seconds=60)
LONGEST_LAG: Final = timedelta(seconds=30)
# In which a caller may be told that it did not work. Nothing else may come out of a use case.
REFUSALS: Final = (
    InvalidRequest,
    NotFound,
    OperationRefused,
    ReferenceAlreadyPaid,
    IllegalTransition,
    OperationInProgress,
    AmountExceeds,
)
TROUBLE: Final = (GatewayUnavailable, StoreUnavailable)

Order = CreatePaymentCommand | CapturePaymentCommand | VoidPaymentCommand | RefundPaymentCommand


@dataclass
class Sent:
    """A request as a caller sent it, however often, and the payments that it was answered with."""

    order: Order
    answers: list[Payment] = field(default_factory=list)


class Theme(Enum):
    """Where a run looks most. Everything at once hides the rare things that take long to come about."""

    EVERYTHING = "everything"
    FREEZES = "freezes"
    RESTORES = "restores"


@dataclass(frozen=True)
class Focus:
    """What a run is to be about. None: the seed decides."""

    theme: Theme | None = None
    freezes_at: Place | None = None


ANYTHING: Final = Focus()


@dataclass
class Chances:
    """How likely each fault is at each port call. Drawn anew for each run, so that some runs are calm."""

    gateway: dict[Fault, float]
    store_down: float = 0
    commit_lost: float = 0
    crash: float = 0
    freeze: float = 0
    # The only place where processes freeze. None: anywhere.
    freezes_at: Place | None = None

    @classmethod
    def draw(cls, random: Random, theme: Theme, freezes_at: Place | None = None) -> Chances:
        def chance(*choices: float) -> float:
            return random.choice(choices)

        if theme is Theme.FREEZES:
            place = freezes_at or random.choice((None, Place.QUEUING, Place.CONNECTING, Place.SENDING))
            return cls({Fault.LATE: chance(0, 0, 0.1)}, freeze=0.5 if place else chance(0.02, 0.05), freezes_at=place)
        if theme is Theme.RESTORES:
            return cls({Fault.LOST_AFTER: chance(0, 0, 0.1)})
        return cls(
            gateway={
                Fault.UNREACHABLE: chance(0, 0.03, 0.2),
                Fault.REFUSED_CREDENTIALS: chance(0, 0, 0.05),
                Fault.LOST_BEFORE: chance(0, 0.05, 0.2),
                Fault.LOST_AFTER: chance(0, 0.05, 0.3),
                Fault.LATE: chance(0, 0.05, 0.2),
            },
            store_down=chance(0, 0.02, 0.1),
            commit_lost=chance(0, 0.02, 0.1),
            crash=chance(0, 0.01, 0.05),
            freeze=chance(0, 0.01, 0.05),
        )


class ReplicaClock:
    """A wall clock that is wrong by some minutes."""

    def __init__(self, true: ManualClock, offset: timedelta) -> None:
        self._true = true
        self._offset = offset

    def now(self) -> datetime:
        return self._true.now() + self._offset

    def jump(self, by: timedelta) -> None:
        """Somebody sets the clock."""
        self._offset += by


class SimulatedInFlight(InFlightRequests):
    """Waits by letting others run."""

    def __init__(self, world: World) -> None:
        super().__init__(most_threads=1000)
        self._world = world

    def wait(self, key: Key, timeout_seconds: float) -> None:
        self._world.wait(lambda: key not in self._running, timeout_seconds)


class SimulatedStore:
    """The surviving store as one replica reaches it: down, or slow to tell that it committed."""

    def __init__(self, world: World) -> None:
        self._world = world

    @contextmanager
    def begin(self, actor: str = SERVICE) -> Iterator[UnitOfWork]:
        self._reach()
        with self._world.store.begin(actor) as work:
            yield work
            if self._world.happens(self._world.chances.store_down):
                raise StoreUnavailable("rolled back")
        self._world.step()
        if self._world.happens(self._world.chances.commit_lost):
            raise StoreUnavailable("committed, but nobody said so")

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        self._reach()
        with self._world.store.read() as work:
            yield work

    def wipe(self) -> None:
        self._reach()
        self._world.store.wipe()

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        self._reach()
        due = self._world.store.due_operations(now, lease_until, limit)
        self._world.step()
        return due

    def _reach(self) -> None:
        self._world.step()
        if self._world.happens(self._world.chances.store_down):
            raise StoreUnavailable("down")


class SteppingGateway:
    """The gateway with a step before and after each call."""

    def __init__(self, world: World, gateway: BraintreeAdapter) -> None:
        self._world = world
        self._gateway = gateway

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._gateway, name)

        def call(*arguments: object) -> object:
            self._world.step()
            try:
                with self._world.sending(arguments):
                    outcome = method(*arguments)
            except GatewayUnavailable as failure:
                _must_be_readable(str(failure))
                raise
            finally:
                self._world.step()
            if isinstance(outcome, Unknown):
                _must_be_readable(outcome.detail)
            return outcome

        return call


def _must_be_readable(detail: str) -> None:
    """The simulated gateway gives no answer or a good one. One that cannot be read is a fault of the simulation."""
    assert "no usable answer" not in detail, detail


class Replica:
    """One process: the real use cases over the simulated ports. A restart is a new one."""

    def __init__(self, world: World) -> None:
        self.clock = ReplicaClock(world.clock, timedelta(seconds=world.random.randint(-300, 300)))
        store = SimulatedStore(world)
        adapter = BraintreeAdapter(_settings(world), platform=machine_of(world))
        gateway = cast("Gateway", SteppingGateway(world, adapter))
        clock, ids = self.clock, world.ids
        leases = LeasePolicy(LEASE, FIRST_CHECK, world.clock.steady_seconds)
        guard = IdempotencyGuard(Fingerprinter(b"key"), SimulatedInFlight(world), LEASE)
        executor = GatewayCallExecutor(store, clock, guard, leases)
        recorder = PaymentRecorder(store, clock, leases)
        sync = SyncPayment(store, gateway, clock, ids)
        velocity = VelocityLimiter(store, clock, ids, VelocityLimits(), b"key")
        sync_methods = SyncPaymentMethods(store, gateway, clock)
        self.create = CreatePayment(
            store, gateway, clock, ids, guard, executor, recorder, velocity, sync_methods, frozenset({"USD"})
        )
        self.capture = CapturePayment(store, gateway, ids, executor, recorder)
        self.void = VoidPayment(gateway, ids, executor, recorder)
        self.refund = RefundPayment(store, gateway, ids, guard, executor, recorder, leases, sync)
        self.verify = VerifyPayment(store, gateway, clock, ids)
        self.follow = PollSettlements(store, gateway, clock, ids)
        absence = NotFoundTimer(world.clock.steady_seconds, HORIZON)
        self.resolve = ResolveOperations(
            store, gateway, clock, ids, leases, recorder, SettlementPollPolicy(), sync, absence, batch_size=10
        )

    def call_gateway(self, order: Order) -> Payment:
        match order:
            case CreatePaymentCommand():
                return self.create(order, SHOP)
            case CapturePaymentCommand():
                return self.capture(order, SHOP)
            case VoidPaymentCommand():
                return self.void(order, SHOP)
            case RefundPaymentCommand():
                return self.refund(order, SHOP)


def _settings(world: World) -> BraintreeSettings:
    """Replicas differ, as they do while a new release takes the place of an old one."""
    random = world.random
    return BraintreeSettings(
        environment="twin",
        url="http://gateway.test",
        merchant_id="m",
        public_key="p",
        private_key="k",
        merchant_accounts={"USD": "usd"},
        # Few, so that calls wait for one another where a freeze is to find them waiting.
        max_connections=1 if world.chances.freezes_at is Place.QUEUING else random.choice((1, 2, 32)),
        use_api_request_key=random.random() < 0.5,
    )


class World:
    """Everything of one run. Only store and gateway survive a crash, and the store may come back from a backup."""

    def __init__(self, seed: int, focus: Focus = ANYTHING) -> None:
        self.seed = seed
        self.random = Random(seed)  # noqa: S311
        self.clock = ManualClock()
        self.ids = CountingIds()
        self.scheduler = Scheduler(self.random, self._is_frozen, lambda: self._pass(timedelta(seconds=0.5)))
        self.theme = focus.theme or self.random.choices(tuple(Theme), (5, 4, 2))[0]
        self.chances = Chances.draw(self.random, self.theme, focus.freezes_at)
        lag = timedelta(seconds=self.random.choice((0, 0, 5, LONGEST_LAG.total_seconds())))
        self.store = MemoryStore(self.ids)
        self.gateway = MemoryGateway(self.clock, search_lag=lag)
        wire = Wire(self.gateway, allows_keys=self.random.random() < 0.3, welcomes_tokens=self.random.random() < 0.3)
        slowest = self.random.choice((1,) if self.theme is Theme.FREEZES else (0, 1, 5))
        self.network = Network(wire, self.clock, self.random, self.chances.gateway, LATEST_ARRIVAL, slowest)
        # Until when each replica that is stopped in its tracks stays so.
        self._thaws: dict[object, datetime] = {}
        self._under_way: dict[Actor | None, OperationId] = {}
        self._backups: list[Callable[[], None]] = []
        self.is_restored = False
        self.customer_id = CustomerId(self.ids.new(ids.CUSTOMER))
        with self.store.begin() as work:
            work.customers.add(
                Customer(customer_id=self.customer_id, caller_id=SHOP.caller_id, create_time=START, update_time=START)
            )
        fewest = 1 if self.theme is Theme.EVERYTHING else 2
        self.replicas = [Replica(self) for _ in range(self.random.randint(fewest, 3))]
        self.sent: list[Sent] = []

    # The run

    def run(self) -> None:
        """Raises invariants.Broken, or what no use case may raise."""
        with errors_of_the_resolver():
            for _ in range(self.random.randint(2, 7)):
                self._round()
                self._backups.append(self.store.back_up())
            self._calm_down()
            self._resolve_all()
            if self.theme is Theme.RESTORES:
                self._restore()
                self._resolve_all()
                self._check()
                return
            self._check()
            self._send_all_again()
            self._resolve_all()
            self._check()

    def _round(self) -> None:
        for _ in range(self.random.randint(4, 8) if self.theme is Theme.FREEZES else self.random.randint(1, 6)):
            self._add_actors()
        self.scheduler.run()
        self._live_on()
        if self.random.random() < 0.1:
            self.random.choice(self.replicas).clock.jump(timedelta(seconds=self.random.randint(-3600, 3600)))
        self._pass(timedelta(seconds=self.random.choice((0, 3, 30, 120, 600, 86400))))

    def _calm_down(self) -> None:
        self.chances = Chances({})
        self.network.chances = {}
        self._pass(max(self._thaws.values(), default=self.clock.now()) - self.clock.now())
        self.scheduler.run()
        self._pass(LATEST_ARRIVAL)

    def _resolve_all(self) -> None:
        """The resolver of every replica, while time goes by and the gateway settles, until nothing is open."""
        self._resolve_until(lambda o: o.state is not OperationState.STARTED, timedelta(minutes=6))
        self.gateway.settle()
        self._resolve_until(lambda o: not o.state.is_open, timedelta(minutes=70))
        self.clock.advance(LONGEST_LAG)
        for payment in self.payments():
            self.replicas[0].verify(payment.terms.payment_id, SHOP)

    def _resolve_until(self, is_done: Callable[[Operation], bool], wait: timedelta) -> None:
        for _ in range(40):
            if all(is_done(o) for payment in self.payments() for o in payment.operations):
                return
            for replica in self.replicas:
                self.scheduler.spawn("resolver", replica, self._patiently(replica.resolve))
            self.scheduler.spawn("follower", self.replicas[0], self._patiently(self.replicas[0].follow))
            self.scheduler.run()
            self._pass(wait)

    def _pass(self, time: timedelta) -> None:
        """Time goes by, and what was sent late arrives when it is due."""
        end = self.clock.now() + time
        while (arrival := self.network.next_arrival) is not None and arrival <= end:
            self.clock.advance(max(arrival - self.clock.now(), timedelta()))
            self.network.deliver_late()
        self.clock.advance(max(end - self.clock.now(), timedelta()))

    def _send_all_again(self) -> None:
        """Every request once more, to a gateway that answers."""
        for sent in self.sent:
            before = sent.answers[-1] if sent.answers else None
            effects = len(self.gateway.effects)
            self._send(sent, self.random.choice(self.replicas))
            after = sent.answers[-1] if sent.answers else None
            if before is not None and after is not None:
                invariants.same_payment(before, after)
                if not invariants.was_never_sent(before, sent.order.request_id):
                    invariants.expect(1, len(self.gateway.effects) == effects, "a repeat moved money again")

    def _live_on(self) -> None:
        """While one stands still, the others find out what became of what it had begun, and callers try again."""
        while self._thaws and self.random.random() < 0.95:
            self._pass(timedelta(seconds=self.random.choice((5, 100, 200))))
            for replica in self.replicas:
                self.scheduler.spawn("resolver", replica, self._patiently(replica.resolve))
            self._add_actors()
            self.scheduler.run()

    def _restore(self) -> None:
        """Everybody dies, and the database comes back as it was some time ago."""
        for replica in list(self.replicas):
            self._crash(replica)
        self.random.choice(self._backups)()
        self.is_restored = True
        self.sent.clear()

    def _check(self) -> None:
        histories = [(payment, self.history(payment.terms.payment_id)) for payment in self.payments()]
        if self.is_restored:
            invariants.check_restored(histories, self.gateway)
            return
        invariants.check(histories, self.sent_orders(), self.gateway)
        for sent in self.sent:
            for answer in sent.answers:
                invariants.nothing_is_forgotten(answer, self.payment(answer.terms.payment_id))

    # Actors

    def _add_actors(self) -> None:
        replica = self.random.choice(self.replicas)
        kind = self.random.choices(
            ("new", "twins", "repeat", "change", "resolve", "follow", "verify", "batch", "outside"), self._weights()
        )[0]
        payments = self.payments()
        match kind:
            case "new":
                self._add_caller(self._new_order(), 1)
            case "twins":
                self._add_caller(self._new_order(), 2)
            case "repeat" if self.sent:
                self._add_caller(self.random.choice(self.sent), 1)
            case "change" if payments:
                change = self._change_of(self.random.choice(payments))
                self._add_caller(change, self.random.choice((1, 1, 1, 2)))
            case "resolve":
                self.scheduler.spawn("resolver", replica, self._patiently(replica.resolve))
            case "follow":
                self.scheduler.spawn("follower", replica, self._patiently(replica.follow))
            case "verify" if payments:
                payment_id = self.random.choice(payments).terms.payment_id
                self.scheduler.spawn("verifier", replica, self._patiently(lambda: replica.verify(payment_id, SHOP)))
            case "batch":
                self.scheduler.spawn("the gateway itself", self.gateway, self._batch)
            case "outside":
                self.scheduler.spawn("somebody else", self.gateway, self._act_outside)

    def _weights(self) -> Sequence[float]:
        return (12, 2, 3, 8, 4, 1, 1, 2, 0) if self.theme is Theme.FREEZES else (4, 1, 3, 14, 4, 1, 2, 3, 1)

    def _new_order(self) -> Sent:
        is_stored = self.random.random() < 0.4
        return self._remember(
            CreatePaymentCommand(
                request_id=self._new_request_id(),
                reference=f"order {self.random.randint(1, 4)}",
                # Now and then an amount that the gateway declines.
                amount=RawMoney(self.random.choices((10_00, 2001_00, 4001_00), (20, 2, 1))[0], "USD"),
                source=Nonce(VALID_NONCE) if is_stored else CARD,
                customer_id=self.customer_id if is_stored else "",
                store_payment_method=is_stored,
                capture_mode=self.random.choice(tuple(CaptureMode)),
            )
        )

    def _change_of(self, payment: Payment) -> Sent:
        payment_id, request_id = payment.terms.payment_id, self._new_request_id()
        minor_units = self.random.choice((None, 2_00, 3_00, 4_00, 7_00, payment.terms.amount.minor_units))
        amount = None if minor_units is None else RawMoney(minor_units, "USD")
        # Mostly what makes sense; what does not must be refused.
        likely = (8, 1, 1) if payment.state is PaymentState.AUTHORIZED else (3, 1, 8)
        kind = self.random.choices(("capture", "void", "refund"), likely)[0]
        if kind == "capture":
            final = self.random.random() < 0.3
            return self._remember(
                CapturePaymentCommand(request_id=request_id, payment_id=payment_id, amount=amount, final=final)
            )
        if kind == "void":
            return self._remember(VoidPaymentCommand(request_id=request_id, payment_id=payment_id))
        return self._remember(RefundPaymentCommand(request_id=request_id, payment_id=payment_id, amount=amount))

    def _remember(self, order: Order) -> Sent:
        sent = Sent(order)
        self.sent.append(sent)
        return sent

    def _new_request_id(self) -> str:
        return f"00000000-0000-4000-8000-{len(self.sent):012d}"

    def _add_caller(self, sent: Sent, copies: int) -> None:
        for _ in range(copies):
            # Where a freeze is to find calls that wait for one another, they go to one replica mostly.
            crowd = self.theme is Theme.FREEZES and self.random.random() < 0.8
            index = 0 if crowd else self.random.randrange(len(self.replicas))
            replica = self.replicas[index]
            self.scheduler.spawn("caller", replica, lambda replica=replica: self._call(sent, replica))  # type: ignore[misc]

    def _call(self, sent: Sent, replica: Replica) -> None:
        """A caller that tries again, a few times, after trouble."""
        for _ in range(self.random.randint(1, 3)):
            if self._send(sent, replica):
                return
            self.step()

    def _send(self, sent: Sent, replica: Replica) -> bool:
        """Whether there was an answer."""
        try:
            answer = replica.call_gateway(sent.order)
        except REFUSALS:
            return True
        except TROUBLE:
            return False
        invariants.is_durable(answer, self.payment(answer.terms.payment_id))
        invariants.tells_where_it_stands(answer)
        invariants.is_carried_out(sent.order, answer)
        sent.answers.append(answer)
        return True

    def _patiently(self, work: Callable[[], object]) -> Callable[[], None]:
        def patient() -> None:
            with suppress(*TROUBLE):
                work()

        return patient

    def _batch(self) -> None:
        self.scheduler.pause()
        transactions = self.gateway.all_transactions()
        if transactions:
            one = self.random.choice(transactions).transaction_id
            move = self.random.choices(
                (self.gateway.settle, self.gateway.begin_settling, self.gateway.expire), (12, 2, 1)
            )[0]
            move(one)

    def _act_outside(self) -> None:
        """Somebody refunds, captures or voids in the control panel. The gateway refuses what is not possible."""
        self.scheduler.pause()
        sales = [one for one in self.gateway.all_transactions() if one.kind is TransactionKind.SALE]
        if not sales:
            return
        sale = self.random.choice(sales)
        operation_id = OperationId(f"{invariants.OUTSIDE}{len(self.gateway.effects)}")
        amount = replace(sale.amount, minor_units=self.random.randint(1, sale.amount.minor_units))
        in_part = self.random.random() < 0.7
        match self.random.choices(("refund", "capture", "void"), (6, 2, 1))[0]:
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

    # What can happen at every port call

    def step(self, place: Place = Place.ELSEWHERE) -> None:
        """Others may run, time goes by, late calls arrive, and the process may die."""
        actor = self.scheduler.current
        if actor is None:
            return
        self.clock.advance(timedelta(milliseconds=self.random.choice((0, 1, 40, 700))))
        self.network.deliver_late()
        if isinstance(actor.process, Replica):
            self._freeze(actor.process, place)
        self.scheduler.pause()
        if self.happens(self.chances.crash) and isinstance(actor.process, Replica):
            self._crash(actor.process)
            raise Crashed

    def wait(self, is_there: Callable[[], bool], timeout_seconds: float, place: Place = Place.ELSEWHERE) -> None:
        """Until it is there, or the time is over. The process may freeze meanwhile, or die."""
        end = self.clock.steady_seconds() + timeout_seconds
        self.step(place)
        self.scheduler.wait(lambda: is_there() or self.clock.steady_seconds() >= end)

    def happens(self, chance: float) -> bool:
        return chance > 0 and self.random.random() < chance

    def _is_frozen(self, process: object) -> bool:
        thaw = self._thaws.get(process)
        if thaw is not None and thaw <= self.clock.now():
            del self._thaws[process]
            return False
        return thaw is not None

    @contextmanager
    def sending(self, arguments: tuple[object, ...]) -> Iterator[None]:
        """What this actor sends within is for the operation that is the first argument's, if it has one."""
        actor = self.scheduler.current
        self._under_way[actor] = getattr(arguments[0] if arguments else None, "operation_id", OperationId(""))
        try:
            yield
        finally:
            del self._under_way[actor]

    def operation_under_way(self) -> OperationId:
        return self._under_way[self.scheduler.current]

    def _freeze(self, replica: Replica, place: Place) -> None:
        """Perhaps. One at a time: somebody is to find out what the frozen one had begun."""
        strikes = self.chances.freezes_at in (None, place) and not self._thaws
        if strikes and self.happens(self.chances.freeze):
            short = () if self.theme is Theme.FREEZES else (1, 20, 100)
            seconds = self.random.choice((*short, 400, 800, 1500))
            self._thaws[replica] = self.clock.now() + timedelta(seconds=seconds)

    def _crash(self, replica: Replica) -> None:
        self._thaws.pop(replica, None)
        self.scheduler.crash(replica)
        self.replicas[self.replicas.index(replica)] = Replica(self)

    # What the store says

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

    def sent_orders(self) -> list[Order]:
        return [sent.order for sent in self.sent]


class _Remembering(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.failures: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        failure = record.exc_info[1] if record.exc_info else None
        if failure is not None and not isinstance(failure, TROUBLE):
            self.failures.append(failure)


@contextmanager
def errors_of_the_resolver() -> Iterator[None]:
    """The resolver logs what it cannot deal with and goes on. Here that is a failure."""
    logger = logging.getLogger("application.recovery.resolve_operations")
    logging.getLogger("adapters.braintree").addHandler(logging.NullHandler())
    handler = _Remembering()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
    for failure in handler.failures:
        raise failure
