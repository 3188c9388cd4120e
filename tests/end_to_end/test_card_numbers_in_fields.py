"""No text of any request may hold a card number: each field of the contract that is kept refuses it by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from adapters.grpc.server.server import descriptors
from bayar.messages import BayarClient
from tests.end_to_end.refusal_reader import read_refusal
from tests.end_to_end.service import Pair

CARD: Final = "4012888888881881"
SPELLED: Final = ("4012.8888.8888.1881", "x" + "".join(chr(0xFF10 + int(digit)) for digit in CARD))
# Fields that are not stored; and two that only this service writes.
_PASSING: Final = frozenset(
    {
        "card.number",
        "card.cvv",
        "payment_method_nonce",
        "device_data",
        "page_token",
        "customer.default_payment_method_id",
        "customer.caller_id",
    }
)

Path_ = tuple[FieldDescriptor, ...]


def text_fields(message: Descriptor, before: Path_ = ()) -> Iterator[Path_]:
    for field in message.fields:
        path = (*before, field)
        if field.type == FieldDescriptor.TYPE_STRING:
            yield path
        elif field.message_type is not None and field.message_type.full_name.startswith("bayar."):
            yield from text_fields(field.message_type, path)


def calls() -> Iterator[tuple[MethodDescriptor, Path_]]:
    for service in descriptors():
        for method in service.methods:
            for path in text_fields(method.input_type):
                if _name(path) not in _PASSING and method.name != "ListDeclineReasons":
                    yield method, path


def _name(path: Path_) -> str:
    return ".".join(field.name for field in path)


def a_request(method: MethodDescriptor, path: Path_, text: str) -> Any:
    """With nothing in it but the text: every other fault is named beside it."""
    request = message_factory.GetMessageClass(method.input_type)()
    at: Any = request
    for field in path:
        if field.message_type is None:
            if field.is_repeated:
                getattr(at, field.name).append(text)
            else:
                setattr(at, field.name, text)
        elif field.message_type.GetOptions().map_entry:
            getattr(at, field.name)[text if path[-1].name == "key" else "k"] = text
            break
        else:
            at = getattr(at, field.name)
            at = at.add() if field.is_repeated else at
    return request


CALLS: Final = list(calls())


@pytest.fixture(scope="module")
def channel(bayar: BayarClient) -> grpc.Channel:
    return bayar.channel


@pytest.mark.parametrize("text", SPELLED)
@pytest.mark.parametrize(
    ("method", "path"),
    CALLS,
    ids=[f"{method.containing_service.name}.{method.name}.{_name(path)}" for method, path in CALLS],
)
def test_a_card_number_is_refused_by_the_field_s_name(
    method: MethodDescriptor, path: Path_, text: str, channel: grpc.Channel
) -> None:
    make = channel.unary_stream if method.server_streaming else channel.unary_unary
    answers = message_factory.GetMessageClass(method.output_type)
    wire: Any = make(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda request: request.SerializeToString(),
        response_deserializer=answers.FromString,
    )
    call = wire if method.server_streaming else lambda *given, **more: [wire(*given, **more)]
    request = a_request(method, path, text)
    with pytest.raises(grpc.RpcError) as raised:
        next(iter(call(request, timeout=10)))
    error = raised.value
    assert isinstance(error, grpc.Call)
    refusal = read_refusal(error)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    named = {re.sub(r"\[.*\](\.key)?", "", name) for name in refusal.faults}
    assert {re.sub(r"\.(key|value)$", "", _name(path)), path[0].name} & named
    assert text not in refusal.words


def test_nothing_of_it_was_kept(pair: Pair) -> None:
    pair.service.stop()
    kept = [path for path in Path(pair.directory).rglob("bayar*") if path.is_file()]
    assert kept
    for path in kept:
        content = path.read_bytes()
        for text in (CARD, *SPELLED):
            assert text.encode() not in content, path.name
