"""A deterministic scheduler: actors run one at a time, in an order that the seed decides.

Each actor is a thread that runs only while it holds the baton, and returns it at every step. So a run is the same
each time, however the machine schedules its threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from threading import Lock, Thread


def _locked_lock() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


def _always() -> bool:
    return True


class YieldPoint(Enum):
    """A point at which an actor lets others run."""

    OTHER = "elsewhere"
    # While it waits for the bulkhead.
    BULKHEAD = "queuing"
    CONNECTING = "connecting"
    # Between the lease check and the first byte.
    SENDING = "sending"
    RECEIVING = "listening"


class Crashed(BaseException):
    """The process of this actor crashed. `except Exception` does not catch it."""


@dataclass(eq=False)
class Actor:
    name: str
    process: object
    work: Callable[[], None]
    # Released each time that the actor gets the baton.
    baton: Lock = field(default_factory=lambda: _locked_lock())
    # Whether it can run; False while it waits.
    is_ready: Callable[[], bool] = _always
    has_begun: bool = False
    is_crashed: bool = False
    is_finished: bool = False
    failure: BaseException | None = None


class Scheduler:
    """Passes the baton to a random actor whose process is not frozen."""

    def __init__(self, random: Random, is_frozen: Callable[[object], bool], advance_time: Callable[[], None]) -> None:
        """`advance_time` is called while every actor waits."""
        self._random = random
        self._is_frozen = is_frozen
        self._advance_time = advance_time
        # The probability that the last actor runs again. Some races need many turns in a row.
        self._persistence = random.choice((0, 0.5, 0.9))
        self._actors: list[Actor] = []
        self._returned = _locked_lock()
        self.current: Actor | None = None
        self.steps = 0

    def spawn(self, name: str, process: object, work: Callable[[], None]) -> None:
        self._actors.append(Actor(name, process, work))

    def run(self) -> None:
        """Run every actor to its end, except frozen ones. Raises the exception of an actor that failed."""
        actor: Actor | None = None
        while awake := [actor for actor in self._actors if actor.is_crashed or not self._is_frozen(actor.process)]:
            able = [actor for actor in awake if actor.is_crashed or actor.is_ready()]
            if not able:
                self._advance_time()
                continue
            if actor not in able or self._random.random() >= self._persistence:
                actor = self._random.choice(able)
            self.steps += 1
            self._resume(actor)
            if actor.is_finished:
                self._actors.remove(actor)
                if actor.failure is not None:
                    self._crash_all()
                    raise actor.failure

    def _resume(self, actor: Actor) -> None:
        if not actor.has_begun:
            actor.has_begun = True
            Thread(target=self._run_actor, args=(actor,), name=actor.name, daemon=True).start()
        self.current = actor
        actor.baton.release()
        self._returned.acquire()
        self.current = None

    def pause(self) -> None:
        """Return the baton, and continue at this actor's next turn. Does nothing outside of an actor."""
        actor = self.current
        if actor is None:
            return
        if actor.is_crashed:
            raise Crashed
        self._returned.release()
        actor.baton.acquire()
        if actor.is_crashed:
            raise Crashed

    def wait(self, is_ready: Callable[[], bool]) -> None:
        """Return the baton until `is_ready` is true. Does nothing outside of an actor."""
        actor = self.current
        if actor is None:
            return
        actor.is_ready = is_ready
        try:
            self.pause()
        finally:
            actor.is_ready = _always

    def crash(self, process: object) -> None:
        """Stop every actor of the process. The one that runs now must raise Crashed."""
        for actor in self._actors:
            if actor.process is process:
                actor.is_crashed = True

    def _run_actor(self, actor: Actor) -> None:
        actor.baton.acquire()
        try:
            if not actor.is_crashed:
                actor.work()
        except Crashed:
            pass
        except BaseException as failure:
            actor.failure = failure
        actor.is_finished = True
        self._returned.release()

    def _crash_all(self) -> None:
        for actor in list(self._actors):
            actor.is_crashed = True
            while not actor.is_finished:
                self._resume(actor)
        self._actors.clear()
