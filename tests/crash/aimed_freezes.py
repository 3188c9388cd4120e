"""Aimed freezes: one replica freezes while calls wait in it, and the other fails those calls."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bayar.messages import BayarError, Payment, PaymentState, RetryPolicy, money
from braintree_twin.control import TwinControl
from tests.crash.failpoints import STEPS
from tests.crash.load_generators import VISA
from tests.crash.replica import Replica, wait_until
from tests.crash.request_log import CallerClient, RecordedRequest, RequestLog
from tests.crash.worker_threads import Worker, raise_first_failure

# Few connections to the gateway, so that most calls of a burst wait for one.
FEW_PLACES: Final = {"BAYAR_BRAINTREE_MAX_CALLS": "2"}
_CALLERS: Final = 12
_SLOW_SECONDS: Final = 1.0
_ONCE: Final = RetryPolicy(attempts=1)
# A lease, an absence horizon, and the check after it.
GIVEN_UP_SECONDS: Final = 24.0
# Callers' steps only: a resolver can reach its steps before the replica listens, and `start` waits for that.
_FREEZABLE: Final = tuple(step for step in STEPS if step in ("caller start: recorded", "caller call: before"))


class KillPause:
    """Pauses the process killers, so that a freeze can be aimed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted = False
        self._resting = 0

    def rest_if_declared(self, begin_a_life: Callable[[], None], stopping: threading.Event) -> bool:
        """Called by a killer before each life. Waits for the end of a declared pause; returns whether there was one."""
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
        """Declare a pause, and wait until `count` killers rest."""
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


class AimedFreeze:
    """One freeze of one replica while the other runs."""

    def __init__(
        self, request_log: RequestLog, replicas: Sequence[Replica], control: TwinControl, draw: random.Random
    ) -> None:
        self._request_log = request_log
        self._control = control
        self._draw = draw
        self._number, other = draw.sample(range(len(replicas)), 2)
        self._frozen, self._other = replicas[self._number], replicas[other]

    def freeze_while_calls_wait(self) -> None:
        """Freeze a replica while a burst of calls waits for a slow gateway. The other replica fails the calls, and the
        callers pay again; then the replica continues with every call that it was about to send.
        """
        slow = self._control.add_fault("delay", method="POST", path="/transactions", seconds=_SLOW_SECONDS, next=2)
        client = CallerClient(self._frozen.address, _ONCE, 60)
        burst = [self._new_payment() for _ in range(_CALLERS)]
        threads = [Worker(target=self._request_log.ask, args=(client, asked), daemon=True) for asked in burst]
        for thread in threads:
            thread.start()
        wait_until(lambda: self._has_triggered(slow.id, 2), 5, every_seconds=0.02)
        # The first two wait for their answers now, and the others soon wait for a connection.
        threading.Event().wait(self._draw.uniform(0.2, 0.5))
        self._while_frozen(lambda: self._repeat_until_all_failed(burst))
        for thread in threads:
            thread.join(30)
        client.close()
        raise_first_failure(threads)

    def freeze_before_a_call(self) -> None:
        """Freeze a replica directly before a call to the gateway. The other replica fails the call, and the caller pays
        again; then the replica continues with the call.
        """
        self._frozen.kill()
        self._frozen.start("caller call: before", 1, signal.SIGSTOP)
        self._request_log.reconnect(self._number)
        client, asked = CallerClient(self._frozen.address, _ONCE, 60), self._new_payment()
        thread = Worker(target=self._request_log.ask, args=(client, asked), daemon=True)
        thread.start()
        wait_until(self._frozen.is_frozen, 5)
        self._while_frozen(lambda: self._repeat_until_all_failed([asked]))
        thread.join(30)
        client.close()
        raise_first_failure([thread])

    def _has_triggered(self, rule_id: int, times: int) -> bool:
        return any(rule.struck >= times for rule in self._control.faults() if rule.id == rule_id)

    def freeze_at_a_step(self) -> None:
        """Freeze the replica at a failpoint, under the load of the generators."""
        self._frozen.kill()
        self._frozen.start(self._draw.choice(_FREEZABLE), self._draw.choice((1, 2, 5)), signal.SIGSTOP)
        self._request_log.reconnect(self._number)
        wait_until(self._frozen.is_frozen, 3)
        self._while_frozen(lambda: threading.Event().wait(GIVEN_UP_SECONDS - 6))

    def _while_frozen(self, meanwhile: Callable[[], object]) -> None:
        self._frozen.signal(signal.SIGSTOP)
        try:
            meanwhile()
        finally:
            self._frozen.signal(signal.SIGCONT)
        # Its pending calls are sent now, if at all.
        threading.Event().wait(1)

    def _new_payment(self, **more: Any) -> RecordedRequest:
        fields = {"reference": f"aim-{self._draw.getrandbits(40)}", "amount": money("30.00", "USD"), "card": VISA}
        return self._request_log.new("create_payment", self._draw, **fields | more)

    def _repeat_until_all_failed(self, burst: Sequence[RecordedRequest]) -> None:
        with_other = CallerClient(self._other.address, _ONCE, 20)
        left = {str(asked.arguments["reference"]) for asked in burst}

        def pay_again() -> bool:
            for reference in list(left):
                payment = self._latest(with_other, reference)
                if payment is None or payment.state == PaymentState.PAYMENT_STATE_PENDING:
                    continue
                if payment.state == PaymentState.PAYMENT_STATE_FAILED:
                    self._request_log.ask(with_other, self._new_payment(reference=reference))
                left.discard(reference)
            return not left

        wait_until(pay_again, GIVEN_UP_SECONDS, every_seconds=0.5)
        with_other.close()

    def _latest(self, client: CallerClient, reference: str) -> Payment | None:
        try:
            return next(iter(client.list_payments(reference=reference)), None)
        except BayarError:
            return None
