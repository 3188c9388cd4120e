"""A gRPC server over TLS that follows a case's script, and records what arrived."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2 as rich  # type: ignore[import-untyped]  # it ships no types
from google.rpc import status_pb2
from grpc_status import rpc_status

from tests.conformance.contract import METHODS
from tests.conformance.matching import mismatches


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@dataclass(slots=True)
class Arrival:
    """One call as it arrived."""

    method: str
    content: bytes
    request: dict[str, Any]
    metadata: dict[str, str]
    at_seconds: float
    allowed_seconds: float | None
    ended: threading.Event = field(default_factory=threading.Event)
    # Whether the server ended it.
    finished: bool = False


class ScriptedServer:
    """Follows one script at a time. Calls reach it through a relay, so that it can reset their connections."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._lock = threading.Lock()
        self._script: deque[Mapping[str, Any]] = deque()
        self._arrivals: list[Arrival] = []
        self._server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers([_EveryMethod(self)])
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
        port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()
        self._relay = Relay(port)
        self.address = self._relay.address

    def close(self) -> None:
        self._relay.close()
        self._server.stop(None).wait()

    def begin(self, script: list[Mapping[str, Any]]) -> None:
        """Forgets what arrived, and answers by this script."""
        with self._lock:
            self._script = deque(script)
            self._arrivals = []

    def problems(self, expected: Mapping[str, Any]) -> list[str]:
        """Differences between the calls that arrived and those that the case expects, in sentences."""
        with self._lock:
            arrivals, left = list(self._arrivals), len(self._script)
        if left:
            return [f"{left} of the script's replies were not asked for: {len(arrivals)} calls arrived."]
        return [problem for name, value in expected.items() for problem in _CHECKS[name](value, arrivals)]

    def arrive(self, method: MethodDescriptor, content: bytes, context: grpc.ServicerContext) -> tuple[Arrival, Any]:
        """The call's record, and the script's next reply."""
        request = GetMessageClass(method.input_type).FromString(content)
        arrival = Arrival(
            method.name,
            content,
            json_format.MessageToDict(request, preserving_proto_field_name=True),
            {key: _text(value) for key, value in context.invocation_metadata()},
            time.monotonic(),
            context.time_remaining(),
        )
        if not context.add_callback(arrival.ended.set):
            arrival.ended.set()
        with self._lock:
            self._arrivals.append(arrival)
            reply = self._script.popleft() if self._script else _NOTHING_LEFT
        return arrival, reply

    def perform(
        self, reply: Mapping[str, Any], method: MethodDescriptor, arrival: Arrival, context: grpc.ServicerContext
    ) -> Message:
        """Answers, or ends the call in another way."""
        if "delay_seconds" in reply:
            arrival.ended.wait(reply["delay_seconds"])
        if "error" in reply:
            arrival.finished = True
            context.abort_with_status(rpc_status.to_status(_status(reply["error"])))
        if "cut" in reply:
            self._relay.cut()
        if "answer" not in reply:
            arrival.ended.wait()
        return json_format.ParseDict(reply.get("answer", {}), GetMessageClass(method.output_type)())


_NOTHING_LEFT: Final = {"error": {"code": "UNIMPLEMENTED", "message": "The script has ended."}}


class _EveryMethod(grpc.GenericRpcHandler):
    """Handles the methods of every service of the contract."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, Message] | None:
        method = METHODS.get(handler_call_details.method.rpartition("/")[2])
        if method is None:
            return None
        serializer = GetMessageClass(method.output_type).SerializeToString
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                lambda content, context: self._stream(method, content, context), response_serializer=serializer
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda content, context: self._unary(method, content, context), response_serializer=serializer
        )

    def _unary(self, method: MethodDescriptor, content: bytes, context: grpc.ServicerContext) -> Message:
        arrival, reply = self._server.arrive(method, content, context)
        answer = self._server.perform(reply, method, arrival, context)
        arrival.finished = not arrival.ended.is_set()
        return answer

    def _stream(self, method: MethodDescriptor, content: bytes, context: grpc.ServicerContext) -> Iterator[Message]:
        arrival, reply = self._server.arrive(method, content, context)
        for each in reply.get("stream", [reply]):
            yield self._server.perform(each, method, arrival, context)
        arrival.finished = not arrival.ended.is_set()


def _status(error: Mapping[str, Any]) -> status_pb2.Status:
    status = status_pb2.Status(
        code=grpc.StatusCode[error["code"]].value[0], message=error.get("message", "As scripted.")
    )
    for detail in _details(error):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _details(error: Mapping[str, Any]) -> Iterator[Message]:
    if "reason" in error:
        yield rich.ErrorInfo(reason=error["reason"], domain="bayar", metadata=error.get("metadata", {}))
    if "retry_after_seconds" in error:
        yield rich.RetryInfo(retry_delay=_duration(error["retry_after_seconds"]))
    if "violations" in error:
        kind = rich.BadRequest.FieldViolation
        yield rich.BadRequest(
            field_violations=[kind(field=name, description=why) for name, why in error["violations"].items()]
        )
    if "localized_message" in error:
        yield rich.LocalizedMessage(locale="en", message=error["localized_message"])


def _duration(seconds: float) -> Duration:
    whole = int(seconds)
    return Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def _check_calls(expected: list[str], arrivals: list[Arrival]) -> Iterator[str]:
    if (seen := [arrival.method for arrival in arrivals]) != expected:
        yield f"The calls {seen} arrived, not {expected}."


def _check_same_request(_: bool, arrivals: list[Arrival]) -> Iterator[str]:
    if len({arrival.content for arrival in arrivals}) != 1:
        yield "The requests differ."


def _check_distinct(_: bool, arrivals: list[Arrival]) -> Iterator[str]:
    ids = [arrival.request.get("request_id") for arrival in arrivals]
    if len(set(ids)) != len(ids):
        yield f"A request_id occurs twice: {ids}."


def _check_uuid(_: bool, arrivals: list[Arrival]) -> Iterator[str]:
    text = str(arrivals[0].request.get("request_id")) if arrivals else ""
    try:
        uuid.UUID(text)
    except ValueError:
        yield f"The request_id {text!r} is no UUID."


def _check_pauses(expected: list[list[float]], arrivals: list[Arrival]) -> Iterator[str]:
    times = [arrival.at_seconds for arrival in arrivals]
    pauses = [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]
    if len(pauses) != len(expected) or any(
        not least <= pause <= most for pause, (least, most) in zip(pauses, expected, strict=False)
    ):
        yield f"The pauses were {pauses} seconds, not within {expected}."


def _check_deadlines(expected: list[list[float] | None], arrivals: list[Arrival]) -> Iterator[str]:
    for number, (limits, arrival) in enumerate(zip(expected, arrivals, strict=False), 1):
        allowed = arrival.allowed_seconds
        if allowed is not None and allowed > 365 * 86400:  # gRPC's word for "no limit"
            allowed = None
        fits = allowed is None if limits is None else allowed is not None and limits[0] <= allowed <= limits[1]
        if not fits:
            yield f"Call {number} gave {allowed} seconds, not {limits}."


def _check_metadata(expected: Mapping[str, Any], arrivals: list[Arrival]) -> Iterator[str]:
    for number, arrival in enumerate(arrivals, 1):
        yield from mismatches(expected, arrival.metadata, f"metadata of call {number}")


def _check_requests(expected: list[Any], arrivals: list[Arrival]) -> Iterator[str]:
    yield from mismatches(expected, [arrival.request for arrival in arrivals], "requests")


def _check_cancelled(_: bool, arrivals: list[Arrival]) -> Iterator[str]:
    if not arrivals or not arrivals[-1].ended.wait(5) or arrivals[-1].finished:
        yield "The client did not end the last call."


_CHECKS: Final[dict[str, Callable[[Any, list[Arrival]], Iterator[str]]]] = {
    "calls": _check_calls,
    "same_request": _check_same_request,
    "distinct_request_ids": _check_distinct,
    "request_id_is_uuid": _check_uuid,
    "pauses_seconds": _check_pauses,
    "deadlines_seconds": _check_deadlines,
    "metadata": _check_metadata,
    "requests": _check_requests,
    "cancelled": _check_cancelled,
}


class Relay:
    """Passes bytes between clients and one port of this machine, and can reset or silence the clients' connections."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._clients: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self.address = f"127.0.0.1:{listening.result().sockets[0].getsockname()[1]}"

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._reset()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """Resets every connection."""
        self._loop.call_soon_threadsafe(self._reset)

    def silence(self) -> None:
        """Passes nothing more on over the connections that there are, and leaves them open. New ones work."""
        self._loop.call_soon_threadsafe(lambda: self._dead.update(self._clients))

    def _reset(self) -> None:
        for client in self._clients:
            raw = client.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pass_on(reader, server_writer, writer), self._pass_on(server_reader, writer, writer))
        self._clients.discard(writer)
        self._dead.discard(writer)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if client not in self._dead:
                    writer.write(data)
                    await writer.drain()
        writer.close()
