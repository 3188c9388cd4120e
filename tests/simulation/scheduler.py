"""Actors that run one at a time, in an order that a seed decides.

Each actor is a thread that only runs while it holds the baton, and gives it back at every step. So a run is the same
each time, however the machine schedules its threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from threading import Lock, Thread


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


def _at_once() -> bool:
    return True


class Place(Enum):
    """Where an actor can be between two steps."""

    ELSEWHERE = "elsewhere"
    # For a place in the bulkhead.
    QUEUING = "queuing"
    CONNECTING = "connecting"
    # Between the last look at anything and the first byte.
    SENDING = "sending"
    LISTENING = "listening"


class Crashed(BaseException):
    """The process of this actor is gone. No `except Exception` stops it."""


@dataclass(eq=False)
class Actor:
    name: str
    process: object
    work: Callable[[], None]
    # Free once, each time that it is handed over.
    baton: Lock = field(default_factory=lambda: _taken())
    # What it waits for, if it waits.
    is_ready: Callable[[], bool] = _at_once
    has_begun: bool = False
    is_crashed: bool = False
    is_finished: bool = False
    failure: BaseException | None = None


class Scheduler:
    """Hands the baton around, but never to an actor of a process that is frozen."""

    def __init__(self, random: Random, is_frozen: Callable[[object], bool], let_time_pass: Callable[[], None]) -> None:
        """`let_time_pass`: called while all that can be done is to wait."""
        self._random = random
        self._is_frozen = is_frozen
        self._let_time_pass = let_time_pass
        # How likely one goes on that ran last. Some races need many turns in a row.
        self._persistence = random.choice((0, 0.5, 0.9))
        self._actors: list[Actor] = []
        self._returned = _taken()
        self.current: Actor | None = None
        self.steps = 0

    def spawn(self, name: str, process: object, work: Callable[[], None]) -> None:
        self._actors.append(Actor(name, process, work))

    def run(self) -> None:
        """Runs all actors to their ends, but for those that are frozen. Raises what one of them failed with."""
        actor: Actor | None = None
        while awake := [actor for actor in self._actors if actor.is_crashed or not self._is_frozen(actor.process)]:
            able = [actor for actor in awake if actor.is_crashed or actor.is_ready()]
            if not able:
                self._let_time_pass()
                continue
            if actor not in able or self._random.random() >= self._persistence:
                actor = self._random.choice(able)
            self.steps += 1
            self._go_on(actor)
            if actor.is_finished:
                self._actors.remove(actor)
                if actor.failure is not None:
                    self._abandon_all()
                    raise actor.failure

    def _go_on(self, actor: Actor) -> None:
        if not actor.has_begun:
            actor.has_begun = True
            Thread(target=self._live, args=(actor,), name=actor.name, daemon=True).start()
        self.current = actor
        actor.baton.release()
        self._returned.acquire()
        self.current = None

    def pause(self) -> None:
        """Gives the baton back, and goes on when it is this actor's turn again. Outside of any actor: nothing."""
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
        """Gives the baton back until what it waits for is there. Outside of any actor: nothing."""
        actor = self.current
        if actor is None:
            return
        actor.is_ready = is_ready
        try:
            self.pause()
        finally:
            actor.is_ready = _at_once

    def crash(self, process: object) -> None:
        """Every actor of the process stops where it is. The one that runs now must raise Crashed."""
        for actor in self._actors:
            if actor.process is process:
                actor.is_crashed = True

    def _live(self, actor: Actor) -> None:
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

    def _abandon_all(self) -> None:
        for actor in list(self._actors):
            actor.is_crashed = True
            while not actor.is_finished:
                self._go_on(actor)
        self._actors.clear()
