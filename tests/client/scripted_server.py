"""A gRPC server on a real socket with scripted answers."""

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_status import rpc_status

from bayar.payments.v1 import customer_service_pb2 as customers
from bayar.payments.v1 import payment_method_service_pb2 as methods
from bayar.payments.v1 import payment_service_pb2 as payments

SERVICES = [
    module.DESCRIPTOR.services_by_name[name]
    for module, name in [
        (payments, "PaymentService"),
        (customers, "CustomerService"),
        (methods, "PaymentMethodService"),
    ]
]


@dataclass(frozen=True)
class AuthFailure:
    """An error, with the details of google.rpc."""

    code: grpc.StatusCode
    message: str = ""
    details: tuple[Message, ...] = ()


class Silence:
    """No answer before the caller gives up."""


class Collapse:
    """The server dies over the call."""


@dataclass
class Script:
    """The answers in order, and the requests that arrived."""

    answers: deque[object]
    address: str = ""
    server: grpc.Server | None = None
    requests: list[Any] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)
    seconds_allowed: list[float | None] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)  # the first call
    ended: threading.Event = field(default_factory=threading.Event)  # of the newest call

    def answer(self, method: str, request: Message, context: grpc.ServicerContext) -> object:
        self.methods.append(method)
        copy = type(request)()
        copy.CopyFrom(request)
        self.requests.append(copy)
        self.metadata.append(dict(context.invocation_metadata()))
        self.seconds_allowed.append(context.time_remaining())
        self.ended = threading.Event()
        if not context.add_callback(self.ended.set):
            self.ended.set()  # given up already
        self.arrived.set()
        return self.perform(self.answers.popleft(), context)

    def perform(self, answer: object, context: grpc.ServicerContext) -> object:
        match answer:
            case AuthFailure(code, message, details):
                context.abort_with_status(rpc_status.to_status(_status(code, message, details)))
            case Silence():
                self.ended.wait()
            case Collapse():
                assert self.server
                self.server.stop(None)
        return answer


def _status(code: grpc.StatusCode, message: str, details: tuple[Message, ...]) -> Message:
    status = Status(code=code.value[0], message=message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status  # type: ignore[no-any-return]


@contextmanager
def scripted_server(*answers: object) -> Iterator[Script]:
    """Messages are answered, lists of them streamed, and Refusal, Silence and Collapse done."""
    script = Script(deque(answers))
    script.server = server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([_handlers(script, service) for service in SERVICES])
    script.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield script
    finally:
        server.stop(None).wait()


def _handlers(script: Script, service: Any) -> grpc.GenericRpcHandler:
    handlers = {}
    for method in service.methods:
        coding = {
            "request_deserializer": method.input_type._concrete_class.FromString,
            "response_serializer": method.output_type._concrete_class.SerializeToString,
        }
        if method.server_streaming:
            handlers[method.name] = grpc.unary_stream_rpc_method_handler(_streaming(script, method.name), **coding)
        else:
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(_unary(script, method.name), **coding)
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def _unary(script: Script, name: str) -> Any:
    return lambda request, context: script.answer(name, request, context)


def _streaming(script: Script, name: str) -> Any:
    def stream(request: Message, context: grpc.ServicerContext) -> Iterator[object]:
        answers = script.answer(name, request, context)
        assert isinstance(answers, list)
        for answer in answers:
            yield script.perform(answer, context)

    return stream
