"""The real service and its gateway, asked for everything that a message can say: it means what it answers, tells nobody
how it works inside, and keeps nothing of it in memory.
"""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import grpc
import psutil  # type: ignore[import-untyped]
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bayar.messages import BayarClient
from tests.adapters.grpc.services.test_any_input import METHODS, NAMES, messages
from tests.end_to_end.payment_steps import NEXT_YEARS, VISA
from tests.end_to_end.service import Pair

NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
# A stream that goes on and on is read for so long.
STREAM_SECONDS = 1.0
MOST_ANSWERS = 20
MOST_GROWTH_MIB = 24.0

# Valid on the wire, and known to nobody: a field of each wire type, and groups in groups.
UNKNOWN = st.sampled_from(
    [
        b"",
        b"\xc0\xb8\x02\x01",
        b"\xc1\xb8\x02" + b"\xff" * 8,
        b"\xc2\xb8\x02\x03abc",
        b"\xc5\xb8\x02" + b"\xff" * 4,
        b"\xc3\xb8\x02" * 50 + b"\xc4\xb8\x02" * 50,
        b"\xc3\xb8\x02" * 5000,
        b"\xc2\xb8\x02\x80\x80\x80\x80\x08",
    ]
)
_FUZZ = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
_numbers = itertools.count()


def valid(method: MethodDescriptor) -> Any:
    """A request that is good, or nearly: fields that need a thing that exists are left as they are."""
    request: Any = GetMessageClass(method.input_type)()
    fields = method.input_type.fields_by_name
    if "request_id" in fields:
        request.request_id = str(uuid.uuid4())
    if "reference" in fields:
        request.reference = f"order {next(_numbers)}"
    if "card" in fields:
        card = request.card
        card.number, card.expiration_month, card.expiration_year, card.cvv = VISA, 12, NEXT_YEARS, "123"
    if method.name == "CreatePayment":
        request.amount.minor_units, request.amount.currency_code = 100, "USD"
    return request


def ask(channel: Any, method: MethodDescriptor, data: bytes) -> tuple[grpc.StatusCode, str]:
    """The code, and every byte that came with it."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.server_streaming:
            list(itertools.islice(channel.unary_stream(path)(data, timeout=STREAM_SECONDS), MOST_ANSWERS))
        else:
            channel.unary_unary(path)(data, timeout=60)
    except grpc.RpcError as error:
        call: Any = error
        told = b"".join(value for _, value in call.trailing_metadata() or () if isinstance(value, bytes))
        return call.code(), f"{call.details()} {told!r}"
    return grpc.StatusCode.OK, ""


def memory_mib(pair: Pair) -> float:
    return float(psutil.Process(pair.service.process.pid).memory_info().rss) / 2**20


def everything(channel: Any, method: MethodDescriptor) -> None:
    """Some dozens of requests: absurd ones, and good ones with something absurd in them."""

    @_FUZZ
    @given(messages(method.input_type), st.booleans(), UNKNOWN)
    def answers(message: Any, from_good: bool, unknown: bytes) -> None:
        request = valid(method)
        if from_good:
            request.MergeFrom(message)
        data = (request if from_good else message).SerializeToString() + unknown
        code, told = ask(channel, method, data)
        assert code not in NEVER, told
        assert code is not grpc.StatusCode.DEADLINE_EXCEEDED or method.server_streaming, told
        assert VISA not in told
        assert "Traceback" not in told

    answers()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_any_request_gets_an_answer_that_is_meant(method: MethodDescriptor, pair: Pair, bayar: BayarClient) -> None:
    everything(bayar.channel, method)
    assert "Traceback" not in pair.service.log
    assert VISA not in pair.service.log


@pytest.mark.timeout(300)
def test_requests_leave_nothing_in_memory(pair: Pair, bayar: BayarClient) -> None:
    readers = [method for method in METHODS if not method.server_streaming]
    for method in readers:
        everything(bayar.channel, method)
    before = memory_mib(pair)
    for _ in range(3):
        for method in readers:
            everything(bayar.channel, method)
    assert memory_mib(pair) - before < MOST_GROWTH_MIB
