"""Actors that run one at a time, in an order that a seed decides.

Each actor is a thread that only runs while it holds the baton, and gives it back at every step. So a run is the same
each time, however the machine schedules its threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Semaphore, Thread


class Crashed(BaseException):
    """The process of this actor is gone. No `except Exception` stops it."""


@dataclass(eq=False)
class Actor:
    name: str
    process: object
    work: Callable[[], None]
    baton: Semaphore = field(default_factory=lambda: Semaphore(0))
    is_crashed: bool = False
    is_finished: bool = False
    failure: BaseException | None = None


class Scheduler:
    """Hands the baton around."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._actors: list[Actor] = []
        self._returned = Semaphore(0)
        self.current: Actor | None = None
        self.steps = 0

    def spawn(self, name: str, process: object, work: Callable[[], None]) -> None:
        self._actors.append(Actor(name, process, work))

    def run(self) -> None:
        """Runs all actors to their ends. Raises what one of them failed with."""
        for actor in self._actors:
            Thread(target=self._live, args=(actor,), name=actor.name, daemon=True).start()
        while self._actors:
            actor = self._random.choice(self._actors)
            self.steps += 1
            self.current = actor
            actor.baton.release()
            self._returned.acquire()
            self.current = None
            if actor.is_finished:
                self._actors.remove(actor)
                if actor.failure is not None:
                    self._abandon_all()
                    raise actor.failure

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
                self.current = actor
                actor.baton.release()
                self._returned.acquire()
        self._actors.clear()
        self.current = None
