"""One process of the worker pool: `python -m bootstrap.process.worker_process 2`. 0 is the background process."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, assert_never

from bootstrap.config.file_descriptors import raise_descriptor_limit, warn_of_few_descriptors
from bootstrap.config.settings import BadSettings, Settings, load_settings
from bootstrap.exit_status import FAILED, USAGE
from bootstrap.logging.log_format import write_logs
from bootstrap.logging.nonblocking_output import open_standard_streams
from bootstrap.observability.exposition import packed
from bootstrap.process.draining import StopRequest, end_process, send_last_spans
from bootstrap.process.hardening import leave_no_core_dumps
from bootstrap.process.ipc import Alive, Channel, Ended, Failed, Message, Ready, WorkerMetrics, WorkerPoolCount
from bootstrap.process.preflight import CannotStart, prepared, warn_of_too_many_connections
from bootstrap.process.roles import BackgroundRole, GrpcRole
from bootstrap.wiring.container import Container

_log = logging.getLogger(__name__)

_HEARTBEAT_SECONDS: Final = 1.0
# The time for a stop without a supervisor, beyond the grace for calls.
_LAST_SECONDS: Final = 10.0


def main() -> int:
    open_standard_streams()
    parsed = _parser().parse_args()
    channel = Channel.inherited(parsed.channel)
    # The supervisor passes Ctrl-C on; before the start is complete, it ends the process as SIGTERM does.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        settings = load_settings(grpc_address=parsed.grpc_address, workers=parsed.workers)
        name = f"worker {parsed.number}" if parsed.number else "background"
        write_logs(settings.log_level, name, as_json=settings.log_as_json)
        leave_no_core_dumps()
        raise_descriptor_limit()
        container = Container()
        container.settings.override(settings)
        child = _Child(container, settings, channel)
        threading.Thread(target=child.listen, name="supervisor", daemon=True).start()
        with prepared(container):
            if parsed.number:
                warn_of_few_descriptors(settings)
                return asyncio.run(child.serve_calls())
            warn_of_too_many_connections(container)
            return asyncio.run(child.run_background([socket.socket(fileno=number) for number in parsed.http]))
    except BadSettings as error:
        channel.send(Failed(str(error), USAGE))
        return USAGE
    except CannotStart as error:
        channel.send(Failed(str(error), FAILED))
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bayar serve", description="A process of `bayar serve --workers N`.")
    parser.add_argument("number", type=int)
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--grpc-address", required=True)
    parser.add_argument("--http", type=int, nargs="*", default=[])
    return parser


class _Child:
    def __init__(self, container: Container, settings: Settings, channel: Channel) -> None:
        self._container = container
        self._settings = settings
        self._channel = channel
        self._lock = threading.Lock()
        self._stop: Callable[[], object] | None = None
        self._heartbeats: asyncio.Task[None] | None = None
        self._has_pool_status = threading.Event()

    def listen(self) -> None:
        """Runs in a thread of its own and receives the supervisor's messages. It ends the process if the supervisor is
        gone.
        """
        try:
            while True:
                self._on_message(self._channel.receive())
        except Ended:
            with self._lock:
                stop = self._stop
            if stop is None:
                os._exit(FAILED)
            _log.warning("the supervisor has ended: this process finishes the calls under way and ends")
            stop()
            time.sleep(self._settings.stop_grace_seconds + _LAST_SECONDS)
            os._exit(FAILED)

    def _on_message(self, message: Message) -> None:
        match message:
            case WorkerPoolCount():
                self._container.worker_pool_status().update(
                    wanted=message.wanted, ready=message.ready, replaced=message.replaced
                )
                self._has_pool_status.set()
            case WorkerMetrics():
                self._container.worker_pool_status().update_metrics(message.worker, message.text)
            case Ready() | Failed() | Alive():
                _log.error("the supervisor sent a message that only its children may send: %s", message)
            case _:
                assert_never(message)

    async def serve_calls(self) -> int:
        """Returns the exit status."""
        calls = GrpcRole(self._container, self._settings, shares_port=True)
        address = await calls.start()
        calls.on_unexpected_end(lambda: self._stop and self._stop())
        stop = await self._until_stopped(address)
        await calls.drain()
        await stop.delay(self._settings.stop_delay_seconds)
        # Released at once, so that other replicas do not wait for this process's leases.
        self._container.stopping().set()
        has_ended = await calls.stop()
        has_ended &= await send_last_spans(self._container.tracing())
        status = FAILED if calls.has_failed else 0
        return status if has_ended else end_process(status)

    async def run_background(self, listeners: list[socket.socket]) -> int:
        """Returns the exit status."""
        # Before anybody can ask whether there are enough workers.
        await asyncio.get_running_loop().run_in_executor(None, self._has_pool_status.wait)
        background = BackgroundRole(self._container, self._settings)
        address = await background.listen(listeners)
        background.start()
        stop = await self._until_stopped(address)
        background.drain()
        await stop.delay(self._settings.stop_delay_seconds)
        self._container.stopping().set()
        has_ended = await background.stop()
        await background.stop_listening()
        has_ended &= await send_last_spans(self._container.tracing())
        return 0 if has_ended else end_process(0)

    async def _until_stopped(self, address: str) -> StopRequest:
        """Serves until asked to stop. It ignores a second request: only the supervisor ends it at once."""
        stop = StopRequest()
        with self._lock:
            self._stop = stop.stop_now
        self._channel.send(Ready(address))
        self._heartbeats = asyncio.create_task(self._send_heartbeats(stop))
        await stop.wait()
        return stop

    async def _send_heartbeats(self, stop: StopRequest) -> None:
        """Sends heartbeats to the very end: a slow stop must not look like a hang."""
        while True:
            self._channel.send(Alive(not stop.is_set, packed(self._container.metrics())))
            await asyncio.sleep(_HEARTBEAT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
