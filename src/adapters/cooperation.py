"""Lets synchronous code wait without a thread of its own: its greenlet is suspended, and the event loop goes on.

`start` runs the code. Whatever waits in it has to wait by this module: anything else stops the event loop. On a thread,
the same functions block the thread as usual. ADR 32.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from threading import Lock, RLock, local
from typing import Any, Final, TypeVar

from greenlet import getcurrent, greenlet

Answer = TypeVar("Answer")

READABLE: Final = 1
WRITABLE: Final = 2

_HAS_EPOLL: Final = hasattr(select, "epoll")

# Each starts with its first use. Where a peer does not answer, as many calls wait for a connection to it.
_THREADS: Final = ThreadPoolExecutor(256, thread_name_prefix="waits")

# Greenlets that have done their work are used again: a new one maps memory, which takes longer than a small call.
_MOST_IDLE: Final = 100

# The time slice of work in one round of the event loop, and how many rounds after it are the loop's own where more work
# is ready. gRPC takes one new call every few rounds, health checks included, in the order of their arrival: with fewer
# rounds, those that are taken later than work is done wait behind a crowd, where no fair queueing reaches them.
# Where they take longer than this time, since a crowd of thousands arrives, the slice is half of the excess: otherwise
# hardly any work would be done until all are taken, and it would look as if the last had to wait for minutes.
_ROUND_SECONDS: Final = 0.001
_FREE_ROUNDS: Final = 16
_FREE_SECONDS: Final = 0.04


class _Idle(local):
    """The unused greenlets of this thread, on the loop that runs there, and the run queue of that loop."""

    def __init__(self) -> None:
        self.run_queue: _RunQueue | None = None
        self.works: list[_Work] = []


class _RunQueue:
    """Work of one event loop that is ready to run, in the order in which it became so."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.sockets: _Sockets | _SocketsOfTheLoop = (_Sockets if _HAS_EPOLL else _SocketsOfTheLoop)(loop)
        self._ready: deque[tuple[_Work, Any]] = deque()
        # When the work of the present round is over. None: it has not begun.
        self._round_end: float | None = None
        # When the latest free rounds began.
        self._free_since = 0.0

    def give(self, work: _Work, value: Any) -> None:
        """Goes on with the work: at once, or in a later round where others wait already."""
        if self._ready or (self._round_end is not None and time.perf_counter() >= self._round_end):
            self._ready.append((work, value))
            return
        if self._round_end is None:
            self._begin_round()
        work.switch(value)

    def _begin_round(self, seconds: float = _ROUND_SECONDS) -> float:
        end = self._round_end = time.perf_counter() + seconds
        self.loop.call_soon(self._next_round, _FREE_ROUNDS)
        return end

    def _next_round(self, free_rounds: int) -> None:
        if not self._ready:
            self._round_end = None
            return
        if free_rounds:
            if free_rounds == _FREE_ROUNDS:
                self._free_since = time.perf_counter()
            self.loop.call_soon(self._next_round, free_rounds - 1)
            return
        free_seconds = time.perf_counter() - self._free_since
        end = self._begin_round(max(_ROUND_SECONDS, (free_seconds - _FREE_SECONDS) / 2))
        while self._ready and time.perf_counter() < end:
            work, value = self._ready.popleft()
            work.switch(value)


class _Work(greenlet):
    """Code that runs on the event loop of one thread: one piece of work after the other."""

    def __init__(self, run_queue: _RunQueue) -> None:
        super().__init__(self._go_on)
        # Work that suspends goes back to the event loop, in whose greenlet it was made.
        self._loop_greenlet: Any = getcurrent()
        self.run_queue = run_queue
        self.loop = run_queue.loop
        # The CPU seconds until the last wait, and the thread's CPU seconds at its end.
        self.used = 0.0
        self.since = 0.0
        # Until it waits for work: arguments of its start, and so a card, would live as long as the greenlet.
        self.switch()

    def suspend(self) -> Any:
        self.used += time.thread_time() - self.since
        try:
            return self._loop_greenlet.switch()
        finally:
            self.since = time.thread_time()

    def _go_on(self) -> None:
        while True:
            work: Callable[[], None] = self._loop_greenlet.switch()
            self.used, self.since = 0.0, time.thread_time()
            work()
            del work
            if len(_idle.works) >= _MOST_IDLE or _idle.run_queue is not self.run_queue:
                return
            _idle.works.append(self)


_idle: Final = _Idle()


def start(work: Callable[[], None]) -> None:
    """Runs the work, which raises nothing, until its first wait, in its time slice. Its rest follows by itself. Call
    it on the event loop, outside other work.
    """
    loop = asyncio.get_running_loop()
    run_queue = _idle.run_queue
    if run_queue is None or run_queue.loop is not loop:
        run_queue = _idle.run_queue = _RunQueue(loop)
        _idle.works = []
    greenlet_of_work = _idle.works.pop() if _idle.works else _Work(run_queue)
    greenlet_of_work.gr_context = copy_context()
    run_queue.give(greenlet_of_work, work)


def current_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop on which the caller runs, whether in work or not. None on another thread."""
    return asyncio._get_running_loop()


def is_cooperative() -> bool:
    """Whether the caller is work that `start` has begun."""
    return isinstance(getcurrent(), _Work)


def cpu_seconds() -> float:
    """The CPU time of the present work since its start, or else of the thread."""
    current = getcurrent()
    if isinstance(current, _Work):
        return current.used + time.thread_time() - current.since
    return time.thread_time()


class _Wait:
    """One wait of the present work. It is over once, by whoever comes first."""

    __slots__ = ("_work",)

    def __init__(self, work: _Work) -> None:
        self._work: _Work | None = work

    def end(self, value: Any) -> bool:
        """Goes on with the work, in its time slice. Returns whether the wait was not over already. Runs on the event
        loop, outside other work.
        """
        work, self._work = self._work, None
        if work is None:
            return False
        work.run_queue.give(work, value)
        return True

    def cancel(self) -> None:
        self._work = None


def one_thread(name: str) -> ThreadPoolExecutor:
    """A thread for `on_thread`, on which functions run one after the other. It starts now: later, the system might have
    none.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix=name)
    thread.submit(int).result()
    return thread


def on_thread(function: Callable[..., Answer], *arguments: Any, threads: ThreadPoolExecutor = _THREADS) -> Answer:
    """Runs a function that blocks on another thread, so that the event loop goes on. Outside work, it blocks here."""
    current = getcurrent()
    if not isinstance(current, _Work):
        return function(*arguments)
    wait, loop = _Wait(current), current.loop

    def tell(_: Future[Answer]) -> None:
        # A loop that is closed has nobody who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(wait.end, None)

    running = threads.submit(copy_context().run, function, *arguments)
    running.add_done_callback(tell)
    current.suspend()
    return running.result()


def sleep(seconds: float) -> None:
    current = getcurrent()
    if isinstance(current, _Work):
        current.loop.call_later(seconds, _Wait(current).end, None)
        current.suspend()
    else:
        time.sleep(seconds)


def wait_for_socket(number: int, wanted: int, timeout_seconds: float | None = None) -> int:
    """Waits until the socket is READABLE, WRITABLE or either. Returns what is ready, and 0 after the timeout. In work
    only, and by one at a time for each socket.
    """
    if wanted & WRITABLE and (ready := _ready_now(number) & wanted):
        # As a rule, a socket can be written to at once.
        return ready
    work: Any = getcurrent()
    wait, sockets = _Wait(work), work.run_queue.sockets
    sockets.arm(number, wanted, wait)
    timer = None if timeout_seconds is None else work.loop.call_later(timeout_seconds, wait.end, 0)
    try:
        return int(work.suspend())
    finally:
        sockets.disarm(number, wait)
        wait.cancel()
        if timer is not None:
            timer.cancel()


def _ready_now(number: int) -> int:
    """READABLE, WRITABLE, both or 0."""
    poller = select.poll()
    poller.register(number, select.POLLIN | select.POLLOUT)
    return next((_ready(events) for _, events in poller.poll(0)), 0)


def _ready(events: int) -> int:
    """The other side's end, and errors, can be read."""
    return (READABLE if events & ~select.POLLOUT else 0) | (WRITABLE if events & select.POLLOUT else 0)


class _Sockets:
    """The sockets on which the work of one event loop waits.

    They have an epoll of their own, one descriptor for the loop: asyncio's registration of a socket and its end
    take longer than the answer of a local database. Each socket is armed for one event, and may be used elsewhere
    afterwards. The system removes one that is closed, whose number may soon be another's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._waits: dict[int, _Wait] = {}
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._end_waits)

    def arm(self, number: int, wanted: int, wait: _Wait) -> None:
        events = select.EPOLLONESHOT
        if wanted & READABLE:
            events |= select.EPOLLIN
        if wanted & WRITABLE:
            events |= select.EPOLLOUT
        self._waits[number] = wait
        try:
            self._epoll.modify(number, events)
        except FileNotFoundError:
            self._epoll.register(number, events)

    def disarm(self, number: int, wait: _Wait) -> None:
        """An event that nobody waits for any more comes once, and is left out."""
        if self._waits.get(number) is wait:
            del self._waits[number]

    def _end_waits(self) -> None:
        for number, events in self._epoll.poll(0):
            wait = self._waits.pop(number, None)
            if wait is not None:
                wait.end(_ready(events))


class _SocketsOfTheLoop:
    """The same where the system has no epoll: registered with the loop during each wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def arm(self, number: int, wanted: int, wait: _Wait) -> None:
        if wanted & READABLE:
            self._loop.add_reader(number, wait.end, READABLE)
        if wanted & WRITABLE:
            self._loop.add_writer(number, wait.end, WRITABLE)

    def disarm(self, number: int, _wait: _Wait) -> None:
        self._loop.remove_reader(number)
        self._loop.remove_writer(number)


class Waiter:
    """One wait of the work or the thread that makes it. Any thread may wake it, once."""

    __slots__ = ("_lock", "_wait", "_work")

    def __init__(self) -> None:
        current = getcurrent()
        self._work = current if isinstance(current, _Work) else None
        if self._work is not None:
            self._wait = _Wait(self._work)
        else:
            self._lock = Lock()
            self._lock.acquire()

    def wake(self) -> None:
        if self._work is None:
            self._lock.release()
            return
        loop = self._work.loop
        if current_loop() is loop:
            loop.call_soon(self._wait.end, True)
        else:
            # A loop that is closed has nobody who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wait.end, True)

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Whether it was woken before the timeout."""
        if self._work is None:
            return self._lock.acquire(timeout=-1 if timeout_seconds is None else max(0.0, timeout_seconds))
        if timeout_seconds is None:
            return bool(self._work.suspend())
        timer = self._work.loop.call_later(max(0.0, timeout_seconds), self._wait.end, False)
        try:
            return bool(self._work.suspend())
        finally:
            timer.cancel()


class Event:
    """threading.Event, for greenlets as well."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_set = False
        self._waiters: list[Waiter] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        with self._lock:
            self._is_set = True
            waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.wake()

    def wait(self, timeout: float | None = None) -> bool:
        with self._lock:
            if self._is_set:
                return True
            waiter = Waiter()
            self._waiters.append(waiter)
        try:
            return waiter.wait(timeout) or self._is_set
        finally:
            with self._lock:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)


class Condition:
    """threading.Condition with a lock of its own, for greenlets as well. Nobody may wait otherwise while inside."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiters: deque[Waiter] = deque()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *failure: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        waiter = Waiter()
        self._waiters.append(waiter)
        self._lock.release()
        try:
            return waiter.wait(timeout)
        finally:
            self._lock.acquire()
            with suppress(ValueError):
                self._waiters.remove(waiter)

    def notify(self, n: int = 1) -> None:
        for _ in range(min(n, len(self._waiters))):
            self._waiters.popleft().wake()


class Semaphore:
    """threading.Semaphore, for greenlets as well. A release hands over to the one that waits longest.

    A release may come in the midst of another call on the same thread: the garbage collector gives back connections.
    """

    def __init__(self, value: int) -> None:
        self._lock = RLock()
        self._value = value
        self._waiters: deque[Waiter] = deque()

    def acquire(self, timeout: float | None = None) -> bool:
        if self._take():
            return True
        if timeout is not None and timeout <= 0:
            return False
        waiter = Waiter()
        with self._lock:
            # Nothing is made between these two, so that the garbage collector does not run there.
            if self._take():
                return True
            self._waiters.append(waiter)
        try:
            is_woken = waiter.wait(timeout)
        except BaseException:
            if not self._leave(waiter):
                self.release()
            raise
        return is_woken or not self._leave(waiter)

    def release(self) -> None:
        with self._lock:
            if self._waiters:
                self._waiters.popleft().wake()
            else:
                self._value += 1

    def _take(self) -> bool:
        with self._lock:
            if self._value <= 0:
                return False
            self._value -= 1
            return True

    def _leave(self, waiter: Waiter) -> bool:
        """False if the waiter was woken meanwhile."""
        with self._lock:
            if waiter not in self._waiters:
                return False
            self._waiters.remove(waiter)
        return True
