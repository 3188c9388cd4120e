"""`bayar serve --workers N`: supervises N gRPC worker processes on one port and one background process.

The children are started anew (exec), never forked, so that no thread, lock or connection is shared by mistake. The
supervisor touches neither calls nor the database. Each child holds one end of a channel: the channel's end reports the
death of either side to the other, whatever its cause.
"""

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from adapters.http.server import WEBHOOKS
from bootstrap.config.settings import BadSettings, Settings
from bootstrap.exit_status import FAILED, USAGE
from bootstrap.logging.log_format import write_logs
from bootstrap.logging.nonblocking_output import complain, say
from bootstrap.process.draining import ENDING_SECONDS
from bootstrap.process.exposure import FREE_GRPC_ADDRESS, FREE_HTTP_ADDRESS, encryption_of, warn_of_exposure
from bootstrap.process.hardening import leave_no_core_dumps
from bootstrap.process.ipc import Alive, Channel, Ended, Failed, Ready, WorkerMetrics, WorkerPoolCount
from bootstrap.process.shared_ports import PortTaken, listeners, shared_port

_log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 1.0
# A child that lived this long is replaced at once; others after a backoff that doubles.
_STEADY_SECONDS: Final = 60.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
# Children send a heartbeat every second. On a healthy machine, no pause is this long.
_SILENCE_SECONDS: Final = 60.0
# Before they are ready they send none, and may wait for the database and the gateway.
_STARTS_IN_SILENCES: Final = 5
# Between the end of a channel and the end of its process.
REAP_TIMEOUT_SECONDS: Final = 5.0


@dataclass(slots=True, eq=False)
class _Child:
    """One process, from its start to its end."""

    process: subprocess.Popen[bytes]
    channel: Channel
    started: float
    heard: float
    is_ready: bool = False
    is_serving: bool = False
    failure: Failed | None = None


@dataclass(slots=True, eq=False)
class WorkerSlot:
    """A slot whose dead child is replaced by the next. Slot 0 does the background work."""

    number: int
    child: _Child | None = None
    # The number of consecutive early ends, and the time of the next start.
    early_ends: int = 0
    next_start: float = 0.0

    @property
    def name(self) -> str:
        return f"worker {self.number}" if self.number else "background"

    @property
    def is_ready(self) -> bool:
        return self.child is not None and self.child.is_ready

    def plan_next(self, *, is_early: bool) -> float:
        """Returns the seconds until the next start."""
        self.early_ends = self.early_ends + 1 if is_early else 0
        # The exponent is capped: an overflow would crash the supervisor.
        pause = min(_LONGEST_PAUSE_SECONDS, 2.0 ** (min(self.early_ends, 10) - 1)) if self.early_ends else 0.0
        self.next_start = time.monotonic() + pause
        return pause


@dataclass(frozen=True, slots=True)
class _OpenPorts:
    """The service's open ports, which survive the children."""

    grpc_address: str
    http: Sequence[socket.socket]


class _CannotStart(Exception):
    """The text is for the operator who started the service."""


class Supervisor:
    """Runs once, in the main thread."""

    def __init__(self, settings: Settings, *, silence_seconds: float = _SILENCE_SECONDS) -> None:
        """silence_seconds: a child without a heartbeat for this long counts as hung."""
        self._settings = settings
        self._silence_seconds = silence_seconds
        self._slots = [WorkerSlot(number) for number in range(settings.workers + 1)]
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        self._is_starting = True
        self._is_stopping = False
        self._has_lost_some = False
        self._replaced = 0
        self._sent_count: WorkerPoolCount | None = None

    def run(self) -> int:
        """Runs until stopped. Returns the exit status. Raises BadSettings."""
        write_logs(self._settings.log_level, "supervisor", as_json=self._settings.log_as_json)
        leave_no_core_dumps()
        with ExitStack() as stack:
            stack.enter_context(self._recording_signals())
            stack.callback(self._kill)
            try:
                # The ports are free for others while calls under way finish.
                with self._open_ports() as ports:
                    self._serve(ports)
            except _CannotStart as error:
                complain(str(error))
                return FAILED
            return self._stop()

    def _serve(self, ports: _OpenPorts) -> None:
        """Returns once asked to stop. Raises _CannotStart and BadSettings if any child fails at the first start."""
        for slot in self._slots:
            try:
                self._start(slot, ports)
            except OSError as error:
                raise _CannotStart(f"{slot.name} cannot be started: {error.strerror}") from None
        while not self._signals and not all(slot.is_ready for slot in self._slots):
            self._poll()
        if self._signals:
            return
        self._is_starting = False
        warn_of_exposure(self._settings)
        how = f"gRPC, {encryption_of(self._settings)}, {self._settings.workers} workers"
        say(f"Bayar listens on {ports.grpc_address} ({how}). Ctrl-C ends it.")
        host = self._settings.http_address.rpartition(":")[0]
        say(f"Webhooks at http://{host}:{ports.http[0].getsockname()[1]}{WEBHOOKS}; also /healthz, /readyz, /metrics.")
        while not self._signals:
            self._poll()
            self._replace(ports)
            self._kill_unresponsive()

    def _stop(self) -> int:
        say("Stopping: calls under way are finished first.")
        self._is_stopping = True
        for slot in self._slots:
            if slot.child is not None:
                slot.child.process.send_signal(self._signals[0])
        delay = 0.0 if self._signals[0] == signal.SIGINT else self._settings.stop_delay_seconds
        deadline = time.monotonic() + delay + self._settings.stop_grace_seconds + ENDING_SECONDS
        while any(slot.child for slot in self._slots):
            if time.monotonic() > deadline:
                self._kill_remaining()
            if len(self._signals) > 1:
                # A second stop ends the children at once: the next start finds and resumes the work under way.
                self._kill()
                signal.signal(self._signals[-1], signal.SIG_DFL)
                os.kill(os.getpid(), self._signals[-1])
            self._poll()
        say("Stopped.")
        return FAILED if self._has_lost_some else 0

    def _poll(self) -> None:
        """Waits a moment for messages and handles them."""
        for key, _ in self._selector.select(_POLL_SECONDS):
            if isinstance(key.data, WorkerSlot):
                self._on_message(key.data)
            elif isinstance(key.data, socket.socket):
                key.data.recv(1024)
        self._send_worker_pool_count()

    def _on_message(self, slot: WorkerSlot) -> None:
        child = slot.child
        if child is None:
            return
        try:
            message = child.channel.receive()
        except Ended:
            self._reap(slot, child)
            return
        child.heard = time.monotonic()
        match message:
            case Ready():
                child.is_ready = child.is_serving = True
                if not self._is_starting:
                    _log.info("%s is ready again (process %s)", slot.name, child.process.pid)
            case Failed():
                child.failure = message
            case Alive():
                child.is_serving = child.is_ready and message.is_serving
                if slot.number:
                    self._send_to_background(WorkerMetrics(slot.number, message.metrics))
                else:
                    self._sent_count = None
            case WorkerPoolCount() | WorkerMetrics():
                _log.error("%s sent a message that only the supervisor may send: %s", slot.name, message)

    def _send_worker_pool_count(self) -> None:
        ready = sum(bool(slot.number and slot.child and slot.child.is_serving) for slot in self._slots)
        count = WorkerPoolCount(wanted=self._settings.workers, ready=ready, replaced=self._replaced)
        if count != self._sent_count:
            self._sent_count = count
            self._send_to_background(count)

    def _send_to_background(self, message: WorkerPoolCount | WorkerMetrics) -> None:
        if (background := self._slots[0].child) is not None:
            background.channel.send(message)

    def _start(self, slot: WorkerSlot, ports: _OpenPorts) -> None:
        """Raises OSError if the system has no room for another process."""
        ours, theirs = Channel.pair()
        inherited = [theirs.fileno(), *([] if slot.number else [one.fileno() for one in ports.http])]
        # -P: a folder in the operator's directory must not be imported as a module of this service.
        command = [sys.executable, "-P", "-m", "bootstrap.process.worker_process", str(slot.number)]
        command += ["--workers", str(self._settings.workers), "--grpc-address", ports.grpc_address]
        command += ["--channel", *map(str, inherited[:1]), "--http", *map(str, inherited[1:])]
        try:
            # In a session of its own: Ctrl-C at the terminal signals only this process, which tells the others.
            process = subprocess.Popen(  # noqa: S603 (our own command)
                command, stdin=subprocess.DEVNULL, pass_fds=inherited, start_new_session=True
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        now = time.monotonic()
        slot.child = _Child(process, ours, started=now, heard=now)
        if not slot.number:
            # A new background process knows nothing about the worker pool, and waits for its status.
            self._sent_count = None
        self._selector.register(ours, selectors.EVENT_READ, slot)

    def _reap(self, slot: WorkerSlot, child: _Child) -> None:
        """Records an end, and plans the replacement. Raises _CannotStart and BadSettings during the start."""
        self._selector.unregister(child.channel)
        child.channel.close()
        slot.child = None
        if slot.number:
            # The dead child's metrics are outdated.
            self._send_to_background(WorkerMetrics(slot.number, ""))
        try:
            status = child.process.wait(REAP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            child.process.kill()
            status = child.process.wait()
        if self._is_stopping:
            if status and child.is_ready:
                self._has_lost_some = True
                _log.warning("%s (process %s) %s while it stopped", slot.name, child.process.pid, _ending(status))
        elif self._is_starting:
            self._refuse_to_start(slot, child, status)
        else:
            self._plan_successor(slot, child, status)

    def _refuse_to_start(self, slot: WorkerSlot, child: _Child, status: int) -> None:
        """Only the first reason is reported: the other children have the same."""
        if child.failure is None:
            raise _CannotStart(f"{slot.name} {_ending(status)} before it was ready")
        if child.failure.status == USAGE:
            raise BadSettings(child.failure.text)
        raise _CannotStart(child.failure.text)

    def _plan_successor(self, slot: WorkerSlot, child: _Child, status: int) -> None:
        pause = slot.plan_next(is_early=time.monotonic() - child.started < _STEADY_SECONDS)
        self._replaced += bool(slot.number)
        what = f"cannot start: {child.failure.text}" if child.failure else _ending(status)
        when = f"in {pause:g} s" if pause else "now"
        _log.warning("%s (process %s) %s. Another one starts %s", slot.name, child.process.pid, what, when)

    def _replace(self, ports: _OpenPorts) -> None:
        for slot in self._slots:
            if slot.child is None and time.monotonic() >= slot.next_start and not self._signals:
                try:
                    self._start(slot, ports)
                except OSError as error:
                    # No process or file is available now, which is no reason to end the working children.
                    pause = slot.plan_next(is_early=True)
                    _log.error(
                        "%s cannot be started: %s. The next attempt is in %g s", slot.name, error.strerror, pause
                    )

    def _kill_unresponsive(self) -> None:
        """A hung child would still receive its part of the connections."""
        for slot in self._slots:
            child = slot.child
            if child is None:
                continue
            longest = self._silence_seconds * (1 if child.is_ready else _STARTS_IN_SILENCES)
            if time.monotonic() - child.heard > longest:
                _log.error("%s (process %s) is unresponsive, and is killed", slot.name, child.process.pid)
                child.heard = time.monotonic()
                child.process.kill()

    def _kill_remaining(self) -> None:
        """The operator's patience is over: whoever runs the service would kill all of it."""
        for slot in self._slots:
            if slot.child is not None and slot.child.process.poll() is None:
                _log.error("%s (process %s) does not end, and is killed", slot.name, slot.child.process.pid)
                slot.child.process.kill()

    def _kill(self) -> None:
        for slot in self._slots:
            if slot.child is not None:
                slot.child.process.kill()
                slot.child.process.wait()

    @contextmanager
    def _open_ports(self) -> Iterator[_OpenPorts]:
        """Raises _CannotStart."""
        with ExitStack() as stack:
            try:
                address = stack.enter_context(shared_port(self._settings.grpc_address))
            except PortTaken as error:
                raise _CannotStart(f"{error}. {FREE_GRPC_ADDRESS}") from None
            try:
                http = listeners(self._settings.http_address)
            except PortTaken as error:
                raise _CannotStart(f"{error}. {FREE_HTTP_ADDRESS}") from None
            for one in http:
                stack.enter_context(one)
            yield _OpenPorts(address, http)

    @contextmanager
    def _recording_signals(self) -> Iterator[None]:
        """Records signals, and wakes the wait for messages."""
        receiver, sender = socket.socketpair()
        with receiver, sender:
            sender.setblocking(False)
            signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda number, _: self._signals.append(number))
            self._selector.register(receiver, selectors.EVENT_READ, receiver)
            try:
                yield
            finally:
                signal.set_wakeup_fd(-1)


def _ending(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
