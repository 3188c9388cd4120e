"""Freezes at the worst moment, which chance meets too rarely: another replica gives up what the frozen one holds."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bayar.messages import BayarError, Payment, PaymentState, RetryPolicy, money
from braintree_twin.control import TwinControl
from tests.crash.replica import Replica, wait_until
from tests.crash.shoppers import VISA
from tests.crash.steps import STEPS
from tests.crash.town import Asked, ShopClient, Town
from tests.crash.worker import Worker, all_well

# Few places for calls to the gateway, so that the others of a burst wait for one.
FEW_PLACES: Final = {"BAYAR_BRAINTREE_MAX_CALLS": "2"}
_CALLERS: Final = 12
_SLOW_SECONDS: Final = 1.0
_ONCE: Final = RetryPolicy(attempts=1)
# All of a lease, an absence horizon, and the look that proves it.
GIVEN_UP_SECONDS: Final = 24.0
# Of callers: a resolver can come to its steps before the replica listens, which its start would wait for.
_FREEZABLE: Final = tuple(step for step in STEPS if step in ("caller start: recorded", "caller call: before"))


class Truce:
    """Lets the replicas live without an end for a while, so that an aim can be taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted = False
        self._resting = 0

    def rest_if_wanted(self, begin_a_life: Callable[[], None], stopping: threading.Event) -> bool:
        """What an executioner calls before each life. Returns whether there was a truce, which is over now."""
        if not self._wanted:
            return False
        begin_a_life()
        with self._changed:
            self._resting += 1
            self._changed.notify_all()
            while self._wanted and not stopping.is_set():
                self._changed.wait(0.2)
            self._resting -= 1
            self._changed.notify_all()
        return True

    @contextmanager
    def declared(self, count: int) -> Iterator[None]:
        """Returns once so many executioners rest."""
        with self._changed:
            self._wanted = True
            self._changed.wait_for(lambda: self._resting == count, 30)
        try:
            yield
        finally:
            with self._changed:
                self._wanted = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._resting == 0, 5)


class Aim:
    """One freeze of one replica while the other lives."""

    def __init__(self, town: Town, replicas: Sequence[Replica], control: TwinControl, draw: random.Random) -> None:
        self._town = town
        self._control = control
        self._draw = draw
        self._number, other = draw.sample(range(len(replicas)), 2)
        self._frozen, self._other = replicas[self._number], replicas[other]

    def freeze_while_calls_wait(self) -> None:
        """A burst meets a slow gateway and few places; the replica freezes, the other gives the calls up, and the
        callers pay again; then the replica wakes up with everything it was about to send.
        """
        slow = self._control.add_fault("delay", method="POST", path="/transactions", seconds=_SLOW_SECONDS, next=2)
        client = ShopClient(self._frozen.address, _ONCE, 60)
        burst = [self._new_payment() for _ in range(_CALLERS)]
        threads = [Worker(target=self._town.ask, args=(client, asked), daemon=True) for asked in burst]
        for thread in threads:
            thread.start()
        wait_until(lambda: self._has_struck(slow.id, 2), 5, every_seconds=0.02)
        # The first two wait for their answers now; a moment later the others wait for their places.
        threading.Event().wait(self._draw.uniform(0.2, 0.5))
        self._asleep(lambda: self._pay_again_until_all_are_given_up(burst))
        for thread in threads:
            thread.join(30)
        client.close()
        all_well(threads)

    def _has_struck(self, rule_id: int, times: int) -> bool:
        return any(rule.struck >= times for rule in self._control.faults() if rule.id == rule_id)

    def freeze_at_a_step(self) -> None:
        """As it reaches a step, with whatever the shoppers ask it for."""
        self._frozen.kill()
        self._frozen.start(self._draw.choice(_FREEZABLE), self._draw.choice((1, 2, 5)), signal.SIGSTOP)
        self._town.connect_again(self._number)
        wait_until(self._frozen.is_frozen, 3)
        self._asleep(lambda: threading.Event().wait(GIVEN_UP_SECONDS - 6))

    def _asleep(self, meanwhile: Callable[[], object]) -> None:
        self._frozen.signal(signal.SIGSTOP)
        try:
            meanwhile()
        finally:
            self._frozen.signal(signal.SIGCONT)
        # What it sends now, it sends at once.
        threading.Event().wait(1)

    def _new_payment(self, **more: Any) -> Asked:
        fields = {"reference": f"aim-{self._draw.getrandbits(40)}", "amount": money("30.00", "USD"), "card": VISA}
        return self._town.new("create_payment", self._draw, **fields | more)

    def _pay_again_until_all_are_given_up(self, burst: Sequence[Asked]) -> None:
        with_other = ShopClient(self._other.address, _ONCE, 20)
        left = {str(asked.arguments["reference"]) for asked in burst}

        def pay_again() -> bool:
            for reference in list(left):
                payment = self._latest(with_other, reference)
                if payment is None or payment.state == PaymentState.PAYMENT_STATE_PENDING:
                    continue
                if payment.state == PaymentState.PAYMENT_STATE_FAILED:
                    self._town.ask(with_other, self._new_payment(reference=reference))
                left.discard(reference)
            return not left

        wait_until(pay_again, GIVEN_UP_SECONDS, every_seconds=0.5)
        with_other.close()

    def _latest(self, client: ShopClient, reference: str) -> Payment | None:
        try:
            return next(iter(client.list_payments(reference=reference)), None)
        except BayarError:
            return None
