"""The committed clients and models match the contract and bayar/requests.py, and every RPC has a method."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from bayar import AsyncBayarClient, BayarClient, requests
from bayar import messages as with_messages
from bayar.payments.v1 import (
    admin_service_pb2,
    checkout_service_pb2,
    customer_service_pb2,
    dispute_service_pb2,
    event_service_pb2,
    payment_method_service_pb2,
    payment_service_pb2,
)
from bayar.rpc import PACKAGE
from generator import __main__ as generator
from generator import clients
from tests.client.required_arguments import required_arguments

METHODS = [method.name for method in clients.methods()]
KINDS = (BayarClient, AsyncBayarClient, with_messages.BayarClient)


def rpcs() -> set[str]:
    """Every RPC of the package, from every service file that there is a stub for: "PaymentService/CreatePayment"."""
    files = (
        admin_service_pb2,
        checkout_service_pb2,
        customer_service_pb2,
        dispute_service_pb2,
        event_service_pb2,
        payment_method_service_pb2,
        payment_service_pb2,
    )
    services = [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]
    return {f"{service.name}/{method.name}" for service in services for method in service.methods}


def called(name: str) -> str:
    """The RPC that a method calls."""
    function: Callable[..., Any] = getattr(requests, name)
    return str(function(**required_arguments(function)).rpc.name)


@pytest.mark.parametrize("name", generator.TARGETS)
def test_a_generated_file_is_what_is_generated(name: str) -> None:
    written = (clients.PACKAGE / name).read_text("utf-8")
    assert written == generator.formatted(generator.TARGETS[name]()), f"Run `make proto` and commit {name}."


def test_every_rpc_has_a_method_and_every_method_an_rpc() -> None:
    assert {called(name) for name in METHODS} == rpcs()
    assert len(METHODS) == len(rpcs())


def test_the_stubs_of_every_service_are_looked_at() -> None:
    files = {path.name for path in (clients.PACKAGE / "payments" / "v1").glob("*_service_pb2.py")}
    looked_at = {rpc.partition("/")[0] for rpc in rpcs()}
    assert len(files) == len(looked_at)
    assert PACKAGE == "bayar.payments.v1"


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_the_same_in_every_client(name: str) -> None:
    first, *others = (getattr(kind, name) for kind in KINDS)
    assert inspect.getdoc(first)
    for other in others:
        assert inspect.getdoc(other) == inspect.getdoc(first)
        assert list(inspect.signature(other).parameters) == list(inspect.signature(first).parameters)
    parameters = inspect.signature(BayarClient.__dict__[name]).parameters
    assert inspect.signature(AsyncBayarClient.__dict__[name]).parameters == parameters
    assert {"timeout_seconds", "retry"} <= set(parameters)


def test_no_client_has_a_method_of_its_own() -> None:
    public = [{name for name in vars(kind) if not name.startswith("_")} for kind in KINDS]
    assert public == [set(METHODS)] * 3
