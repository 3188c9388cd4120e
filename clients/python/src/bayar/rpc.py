"""Calls as values: which RPC, with which request, and how its answers are read. A client sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from google.protobuf.message import Message

PACKAGE: Final = "bayar.payments.v1"

MessageT = TypeVar("MessageT")
ModelT = TypeVar("ModelT")
RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC of the contract: "PaymentService/CreatePayment", and the type of its response."""

    name: str
    response: Any

    @property
    def path(self) -> str:
        """As gRPC spells it: "/bayar.payments.v1.PaymentService/CreatePayment"."""
        return f"/{PACKAGE}.{self.name}"


@dataclass(frozen=True, slots=True)
class Unary(Generic[MessageT, ModelT]):
    """A call with one answer. `pick` takes the result out of it, `shape` makes the model of the result."""

    rpc: Rpc
    request: Any
    pick: Callable[[Any], MessageT]
    shape: Callable[[MessageT], ModelT]


@dataclass(frozen=True, slots=True)
class Pages(Generic[MessageT, ModelT]):
    """A list. `advance` turns the request into that of the next page, and says whether there is one."""

    rpc: Rpc
    request: Any
    items: Callable[[Any], Iterable[MessageT]]
    shape: Callable[[MessageT], ModelT]
    advance: Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Stream(Generic[MessageT, ModelT]):
    """A stream of answers.

    `resume` notes in the request where to go on after an answer; the client then reopens a lost stream. Without it, the
    client reopens only a stream that has given nothing yet.
    """

    rpc: Rpc
    request: Any
    items: Callable[[Any], Iterable[MessageT]]
    shape: Callable[[MessageT], ModelT]
    resume: Callable[[Any, Any], None] | None


def unary(
    name: str,
    request: Message,
    response: type[ResponseT],
    pick: Callable[[ResponseT], MessageT],
    shape: Callable[[MessageT], ModelT],
) -> Unary[MessageT, ModelT]:
    return Unary(Rpc(name, response), request, pick, shape)


def pages(
    name: str,
    request: RequestT,
    response: type[ResponseT],
    items: Callable[[ResponseT], Iterable[MessageT]],
    shape: Callable[[MessageT], ModelT],
    advance: Callable[[RequestT, ResponseT], bool] | None = None,
) -> Pages[MessageT, ModelT]:
    return Pages(Rpc(name, response), request, items, shape, advance or _next_page)


def stream(
    name: str,
    request: RequestT,
    response: type[ResponseT],
    items: Callable[[ResponseT], Iterable[MessageT]],
    shape: Callable[[MessageT], ModelT],
    resume: Callable[[RequestT, ResponseT], None] | None = None,
) -> Stream[MessageT, ModelT]:
    return Stream(Rpc(name, response), request, items, shape, resume)


def only_page(_: Any, __: Any) -> bool:
    """For a list that comes whole."""
    return False


def same_again(_: Any, __: Any) -> None:
    """For a stream that begins with how things stand, so that the same request goes on."""


def _next_page(request: Any, page: Any) -> bool:
    request.page_token = page.next_page_token
    return bool(page.next_page_token)
