"""Any input gets a deliberate answer: never INTERNAL, never UNKNOWN, never silence."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayar.payments.v1 import (
    admin_service_pb2,
    checkout_service_pb2,
    customer_service_pb2,
    dispute_service_pb2,
    event_service_pb2,
    payment_method_service_pb2,
    payment_service_pb2,
)
from tests.adapters.grpc.serving import a_house, serving

MODULES: list[Any] = [
    admin_service_pb2,
    checkout_service_pb2,
    customer_service_pb2,
    dispute_service_pb2,
    event_service_pb2,
    payment_method_service_pb2,
    payment_service_pb2,
]
METHODS: list[MethodDescriptor] = [
    method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
NAMES = [method.name for method in METHODS]
CARD = "4111111111111111"
NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED}

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        (
            *("", CARD, str(uuid.UUID(int=7)), "USD", "usd", "id", "en", "pay_" + "0" * 26, "cus_" + "0" * 26),
            *("pm_" + "0" * 26, "\0", "💳" * 300, "../..", "x" * 5000, "'; DROP TABLE payments --", "%_\\", "٤" * 16),
        )
    ),
)
NUMBERS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}
_FUZZ = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    with serving(a_house()) as channel:
        yield channel


def scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_STRING:
        return TEXTS
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=50)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.enum_type is not None:
        return st.sampled_from([*field.enum_type.values_by_number, -1, 99, 2**31 - 1])
    low, high = NUMBERS[field.type]
    return st.one_of(st.sampled_from([0, 1, -1 if low else 1, low, high, 12, 2030]), st.integers(low, high))


@st.composite
def messages(draw: st.DrawFn, descriptor: Descriptor) -> Any:
    """Any message of the type: each field absent, ordinary or absurd."""
    message: Any = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if not draw(st.booleans()):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            getattr(message, field.name).update(draw(st.dictionaries(TEXTS, TEXTS, max_size=3)))
        elif field.message_type is not None:
            parts = [draw(messages(field.message_type)) for _ in range(draw(st.integers(0, 2)))]
            if field.is_repeated:
                getattr(message, field.name).extend(parts)
            elif parts:
                getattr(message, field.name).CopyFrom(parts[0])
        elif field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(scalars(field), max_size=3)))
        else:
            setattr(message, field.name, draw(scalars(field)))
    return message


def ask(channel: grpc.Channel, method: MethodDescriptor, data: bytes) -> tuple[grpc.StatusCode, str]:
    """The code, and every byte that came with it."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.server_streaming:
            many: Any = channel.unary_stream(path)
            answers = many(data, timeout=20)
            # Some streams go on for ever.
            next(answers, None)
            answers.cancel()
        else:
            one: Any = channel.unary_unary(path)
            one(data, timeout=20)
    except grpc.RpcError as error:
        call: Any = error
        told = b"".join(value for _, value in call.trailing_metadata() if isinstance(value, bytes))
        return call.code(), f"{call.details()} {told!r}"
    return grpc.StatusCode.OK, ""


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_any_message_gets_an_answer_that_is_meant(method: MethodDescriptor, channel: grpc.Channel) -> None:
    @_FUZZ
    @given(messages(method.input_type))
    def answers(message: Any) -> None:
        code, told = ask(channel, method, message.SerializeToString())
        assert code not in NEVER, told
        assert CARD not in told

    answers()


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_any_bytes_get_an_answer_that_is_meant(method: MethodDescriptor, channel: grpc.Channel) -> None:
    @_FUZZ
    @given(st.binary(min_size=1, max_size=200))
    def answers(data: bytes) -> None:
        code, told = ask(channel, method, data)
        assert code not in NEVER, told

    answers()


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
@pytest.mark.parametrize(
    "data", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\x05a"], ids=["noise", "not-utf-8", "cut"]
)
def test_bytes_that_are_no_message_are_invalid(method: MethodDescriptor, data: bytes, channel: grpc.Channel) -> None:
    code, told = ask(channel, method, data)
    if data == b"\x0a\x02\xff\xfe" and _first_is_no_text(method.input_type):
        assert code not in NEVER
        return
    assert code is grpc.StatusCode.INVALID_ARGUMENT, told
    assert "INVALID_REQUEST" in told


def _first_is_no_text(descriptor: Descriptor) -> bool:
    first = descriptor.fields_by_number.get(1)
    return first is None or first.type != FieldDescriptor.TYPE_STRING


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_an_empty_request_is_refused_or_answered_at_once(method: MethodDescriptor, channel: grpc.Channel) -> None:
    code, told = ask(channel, method, b"")
    assert code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED), told


@pytest.mark.parametrize("header", ["", "💳", "x" * 5000, "id;q=2", ";;;,,,"])
def test_a_strange_language_header_is_no_reason_to_fail(header: str, channel: grpc.Channel) -> None:
    call: Any = channel.unary_unary("/bayar.payments.v1.PaymentService/ListPayments")
    value = header.encode("ascii", "replace").decode()
    assert call(b"", timeout=10, metadata=(("accept-language", value),)) is not None
