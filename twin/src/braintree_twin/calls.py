"""The call that a handler receives, the answer that it returns, and the route that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from braintree_twin.clock import FixedClock
from braintree_twin.ids import Ids
from braintree_twin.merchants import Merchant
from braintree_twin.params import Params
from braintree_twin.request_schema import Schema, UnhandledField
from braintree_twin.state.store import Store
from braintree_twin.xml_reader import Value
from braintree_twin.xml_writer import Node


@dataclass(slots=True)
class Call:
    """One authenticated request of one merchant."""

    merchant: Merchant
    store: Store
    clock: FixedClock
    ids: Ids
    # The address that the client reached the twin by, such as https://127.0.0.1:8443.
    base_url: str
    # Method and path pattern, such as "PUT /transactions/{id}/void".
    route: str = ""
    document: Mapping[str, Value] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""
    # The api_request_keys of this merchant's requests that have arrived, but are not processed yet.
    keys_in_flight: Collection[str] = ()
    # Names in lower case.
    headers: Mapping[str, str] = field(default_factory=dict)
    # Addresses for browsers name the gateway's own hosts, which braintree-web insists on.
    gateway_hosts: bool = False
    # The twin's address for a person's browser, such as http://localhost:8444; empty if it has none.
    browser_url: str = ""
    # Names fields that the twin does not act on. With --strict it raises UnhandledFields.
    note_unhandled: Callable[[list[UnhandledField]], None] = lambda _: None
    # The merchant that owns the OAuth application with a client id.
    find_owner: Callable[[str], Merchant | None] = lambda _: None
    # The ids of all merchants.
    merchant_ids: Callable[[], list[str]] = list
    # Lets a new merchant call.
    add_merchant: Callable[[Merchant], None] = lambda _: None

    def params(self, root: str) -> Params:
        return Params.of(self.document, root)


@dataclass(frozen=True, slots=True)
class Answer:
    """An XML element as the answer; without a root, the body is empty."""

    root: str | None = None
    node: Node = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """An answer in JSON, as the client API gives it."""

    content: Mapping[str, object]
    status: int = 200


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """A page or a script for a browser. A page of another origin may show it in a frame."""

    text: str
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


AnyAnswer = Answer | JsonAnswer | PageAnswer
Handler = Callable[[Call], AnyAnswer]


@dataclass(frozen=True, slots=True)
class Route:
    """A path below /merchants/{merchant_id}; `{name}` takes one segment."""

    method: str
    path: str
    handler: Handler
    # False: the client API checks a client token instead of the merchant's keys.
    needs_keys: bool = True
    # The fields below each root element; None if the handler itself deals with what it does not know.
    takes: Mapping[str, Schema] | None = field(default_factory=dict)
    # The names in the query.
    query: frozenset[str] = frozenset()
    # The body is JSON whatever its content type, and the fields of a query are nested: a call of the client API.
    for_browsers: bool = False
