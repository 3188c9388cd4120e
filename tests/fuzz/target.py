"""The fuzz target: from bytes to a use case over a store and a gateway in memory, without the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from adapters.grpc.errors.status_codes import REFUSALS
from tests.adapters.grpc.services.test_any_input import METHODS
from tests.adapters.grpc.serving import a_house
from tests.end_to_end.test_fuzz import valid

# Streams are coroutines that wait for changes; their requests are as simple as the others.
UNARY = [method for method in METHODS if not method.server_streaming]
# A house with too much in it grows slow, and hides what is slow by itself.
_MOST_CALLS = 2000


class Context:
    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("accept-language", "id"),)

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def auth_context(self) -> dict[str, list[bytes]]:
        return {}


class Target:
    """The first byte chooses the call. Anything but an answer or a refusal of the table is raised."""

    def __init__(self) -> None:
        self._calls = 0
        self._move()

    def seeds(self) -> Iterator[bytes]:
        for n, method in enumerate(UNARY):
            yield bytes([n]) + valid(method).SerializeToString()

    def __call__(self, data: bytes) -> None:
        if not data:
            return
        method = UNARY[data[0] % len(UNARY)]
        try:
            request: Any = GetMessageClass(method.input_type).FromString(data[1:])
        except (DecodeError, UnicodeDecodeError):
            return
        self._calls += 1
        if self._calls % _MOST_CALLS == 0:
            self._move()
        try:
            getattr(self._servicers[method.containing_service.name], method.name)(request, Context())
        except REFUSALS:
            return

    def _move(self) -> None:
        servicers = a_house().servicers
        self._servicers: dict[str, Any] = {
            "PaymentService": servicers.payments,
            "CustomerService": servicers.customers,
            "PaymentMethodService": servicers.payment_methods,
            "DisputeService": servicers.disputes,
            "CheckoutService": servicers.checkouts,
            "EventService": servicers.events,
            "AdminService": servicers.admin,
        }
