"""A process that hung for longer than its lease sends nothing, wherever it was when it hung."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.transport import connection_pool as transport
from adapters.braintree.transport.bulkhead import Bulkhead
from adapters.braintree.transport.circuit_breaker import GuardedTransport
from adapters.braintree.transport.connection import RequestNotSent
from application.common.lease import Lease
from application.ports.gateway import GatewayNotReached, MethodChange, Nonce
from domain.ids import PaymentMethodId
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import ADJUST, CAPTURE, REFUND, VOID, adapter, authorization, customer, new_method
from tests.adapters.braintree.server import answer, answer_and_close, serving

CUSTOMER: Final = customer()


def seconds_left(*looks: bool) -> Lease:
    """A lease that is held at the first looks, and over at the others."""
    left = iter(looks)
    return Lease(lambda: 0.0 if next(left, False) else 1.0, 0.5)


CHANGES: Final[dict[str, Callable[[BraintreeAdapter, Lease], object]]] = {
    "authorize": lambda gateway, lease: gateway.authorize(authorization(), lease),
    "capture": lambda gateway, lease: gateway.capture(CAPTURE, lease),
    "adjust": lambda gateway, lease: gateway.adjust(ADJUST, lease),
    "void": lambda gateway, lease: gateway.void(VOID, lease),
    "refund": lambda gateway, lease: gateway.refund(REFUND, lease),
    "store_method": lambda gateway, lease: gateway.store_method(new_method(), lease),
    "change_method": lambda gateway, lease: gateway.change_method(MethodChange(token="t", make_default=True), lease),
    "delete_method": lambda gateway, lease: gateway.delete_method("t", lease),
    "ensure_customer": lambda gateway, lease: gateway.ensure_customer(CUSTOMER, lease),
    "update_customer": lambda gateway, lease: gateway.update_customer(CUSTOMER, lease),
    "delete_customer": lambda gateway, lease: gateway.delete_customer(CUSTOMER.customer_id, lease),
    "accept_dispute": lambda gateway, lease: gateway.accept_dispute("d", lease),
    "finalize_dispute": lambda gateway, lease: gateway.finalize_dispute("d", lease),
    "add_text_evidence": lambda gateway, lease: gateway.add_text_evidence("d", "text", lease),
    "add_file_evidence": lambda gateway, lease: gateway.add_file_evidence("d", "a.pdf", b"%PDF-", lease),
    "create_method_nonce": lambda gateway, lease: gateway.create_method_nonce("token", lease),
}


def test_every_change_is_tried() -> None:
    takes_lease = {
        name for name, method in vars(BraintreeAdapter).items() if "lease" in getattr(method, "__annotations__", {})
    }
    assert {name for name in takes_lease if not name.startswith("_")} == set(CHANGES)


@pytest.mark.parametrize("looks", [0, 1, 2], ids=["at once", "while it waits for a place", "while it connects"])
@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_sent_once_the_lease_is_over(change: str, looks: int) -> None:
    with serving(answer(201)) as server:
        with pytest.raises(GatewayNotReached):
            CHANGES[change](adapter(server.url), seconds_left(*[True] * looks))
        assert server.received == []


def test_a_process_that_hangs_after_a_refused_key_does_not_ask_again_without_one() -> None:
    refused = answer(422, documents.invalid("915231"))
    with serving(refused, answer(201)) as server:
        with pytest.raises(GatewayNotReached):
            adapter(server.url, use_api_request_key=True).authorize(authorization(), seconds_left(True, True, True))
        assert len(server.received) == 1


@pytest.mark.parametrize("code", ["91515", "91721"])
def test_a_process_that_hangs_after_a_refused_token_does_not_ask_again_without_one(code: str) -> None:
    with serving(answer(422, documents.invalid(code)), answer(201)) as server:
        asked = authorization(source=Nonce("n"), store_as=PaymentMethodId("pm_1"), customer=CUSTOMER)
        with pytest.raises(GatewayNotReached):
            adapter(server.url).authorize(asked, seconds_left(True, True, True))
        assert len(server.received) == 1


def test_a_process_that_hangs_as_it_finds_a_connection_closed_opens_no_other() -> None:
    with serving(answer_and_close(200, documents.found_ids()), answer(201)) as server:
        gateway = adapter(server.url)
        assert gateway.find_by_operation(authorization().operation_id) == []
        with pytest.raises(GatewayNotReached):
            gateway.authorize(authorization(), seconds_left(True))
        assert len(server.received) == 1


def test_nothing_is_changed_without_a_lease() -> None:
    with serving(answer(201)) as server:
        plain = transport.PooledTransport(
            server.url, ca_file=None, connect_timeout_seconds=1, read_timeout_seconds=1, max_connections=1
        )
        guarded = GuardedTransport(plain, Bulkhead(1, 0), breaker_failures=0)
        for verb, path in (("POST", "/transactions"), ("PUT", "/transactions/t/void"), ("DELETE", "/customers/c")):
            with pytest.raises(RequestNotSent):
                guarded.http_do(verb, f"{server.url}{path}", {}, "")
        assert server.received == []
        guarded.close()


def test_a_hang_of_this_process_does_not_count_against_the_gateway() -> None:
    with serving(answer(201)) as server:
        gateway = adapter(server.url, breaker_failures=1)
        with pytest.raises(GatewayNotReached):
            gateway.authorize(authorization(), seconds_left(True, True))
        assert gateway.stats.open_circuits == frozenset()
