"""No text of any request may hold a character that the way to the gateway cannot carry: its field is named at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from tests.adapters.grpc.services.test_any_input import METHODS
from tests.adapters.grpc.serving import a_house, serving

# XML 1.0 has a place for none of these, nor has any other text a use for them. Lone halves of pairs are no UTF-8.
UNSENDABLE = ("\x01", "\x1f", "\x7f", "\x85", "\ufdd0", "\ufffe", "\uffff", "\U0001ffff", "\U0010fffe")
# Kept and sent nowhere: what the service itself tells of a customer, and the language of a list that is in the code.
GOING_NOWHERE = {
    "UpdateCustomer customer.default_payment_method_id",
    "UpdateCustomer customer.caller_id",
    "ListDeclineReasons language_code",
}

Setter = Callable[[Any, str], None]


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    with serving(a_house()) as channel:
        yield channel


def texts_of(descriptor: Descriptor, prefix: str = "") -> Iterator[tuple[str, Setter]]:
    """Every text that a message of the type can hold, with a way to set it."""
    for field in descriptor.fields:
        path = prefix + field.name
        nested = field.message_type
        if nested is not None and nested.GetOptions().map_entry:
            yield f"{path}.key", _into(field, lambda entries, text: entries.update({text: "v"}))
            yield f"{path}.value", _into(field, lambda entries, text: entries.update({"k": text}))
        elif nested is not None and nested.file.package.startswith("bayar."):
            for inner, setter in texts_of(nested, f"{path}."):
                yield inner, _into(field, setter)
        elif field.type == FieldDescriptor.TYPE_STRING and field.is_repeated:
            yield path, _into(field, lambda values, text: values.append(text))
        elif field.type == FieldDescriptor.TYPE_STRING:
            yield path, _of(field)


def _of(field: FieldDescriptor) -> Setter:
    return lambda message, text: setattr(message, field.name, text)


def _into(field: FieldDescriptor, setter: Setter) -> Setter:
    def apply(message: Any, text: str) -> None:
        part = getattr(message, field.name)
        is_one = field.message_type is not None and not field.is_repeated
        setter(part.add() if hasattr(part, "add") and not is_one else part, text)

    return apply


CASES = {
    f"{method.name} {path}": (method, path, setter)
    for method in METHODS
    for path, setter in texts_of(method.input_type)
    if f"{method.name} {path}" not in GOING_NOWHERE
}


@pytest.mark.parametrize(("method", "path", "setter"), CASES.values(), ids=CASES)
def test_a_text_that_cannot_be_sent_is_refused_by_its_name(
    method: MethodDescriptor, path: str, setter: Setter, channel: grpc.Channel
) -> None:
    for character in UNSENDABLE:
        message = GetMessageClass(method.input_type)()
        setter(message, f"a{character}b")
        named = faults_of(channel, method, message)
        where = path.removesuffix(".key").removesuffix(".value")
        assert any(re.sub(r"\[\d+\]", "", field).startswith(where) for field in named), (ascii(character), path, named)


def faults_of(channel: grpc.Channel, method: MethodDescriptor, message: Any) -> list[str]:
    """The fields that a call is refused for; none where it is not refused for any."""
    name = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.server_streaming:
            many: Any = channel.unary_stream(name)
            next(answers := many(message.SerializeToString(), timeout=20), None)
            answers.cancel()
        else:
            one: Any = channel.unary_unary(name)
            one(message.SerializeToString(), timeout=20)
    except grpc.RpcError as error:
        call: Any = error
        status = status_pb2.Status.FromString(dict(call.trailing_metadata()).get("grpc-status-details-bin", b""))
        violations = error_details_pb2.BadRequest()
        for detail in status.details:
            if detail.Unpack(violations):
                return [violation.field for violation in violations.field_violations]
    return []


def test_the_texts_of_a_payment_are_among_them() -> None:
    of_payment = {"CreatePayment card.cardholder_name", "CreatePayment metadata.value"}
    assert of_payment | {"AddDisputeEvidence text"} <= set(CASES)
