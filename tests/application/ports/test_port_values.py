"""Ports: what a value holds where nothing is said, and that the fakes offer exactly what the ports promise."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from application.common.pagination import Position
from application.ports import deliveries, feed, gateway, store
from application.ports import gateway_webhooks as notifications
from application.ports import velocity as attempts
from application.ports.gateway import RefusalCause
from application.ports.gateway_webhooks import GatewayWebhookOutcome
from application.ports.store import farthest_check
from domain.events import SERVICE
from domain.initiator import Initiator
from tests.application.shop import Shop
from tests.fakes.runtime import START

MODULES = (attempts, deliveries, feed, gateway, notifications, store)
# All other defaults are empty.
DEFAULTS = {
    "Authorization.initiator": Initiator.CUSTOMER,
    "VelocityCounter.count": 1,
    "Authorization.attempt": 1,
    "Capture.attempt": 1,
    "Rejected.cause": RefusalCause.REQUEST,
    "StoredGatewayWebhook.outcome": GatewayWebhookOutcome.NONE,
}


def values() -> Iterator[type]:
    for module in MODULES:
        for value in vars(module).values():
            if dataclasses.is_dataclass(value) and isinstance(value, type) and value.__module__ == module.__name__:
                yield value


@pytest.mark.parametrize("value", list(values()), ids=lambda value: value.__name__)
def test_unset_fields_are_empty(value: type) -> None:
    for field in dataclasses.fields(value):
        name = f"{value.__name__}.{field.name}"
        if field.default is dataclasses.MISSING:
            continue
        if name in DEFAULTS:
            assert field.default == DEFAULTS[name]
        elif dataclasses.is_dataclass(field.default) and not isinstance(field.default, type):
            assert field.default == type(field.default)()
        else:
            assert not field.default, name


def pairs() -> Iterator[tuple[type, object]]:
    """Each port, and the fake that stands in for it."""
    shop = Shop()
    yield store.Store, shop.store
    yield gateway.Gateway, shop.real_gateway
    with shop.store.read() as work:
        for name, part in vars(store.UnitOfWork).items():
            if isinstance(part, property):
                assert part.fget is not None
                port = inspect.signature(part.fget, eval_str=True, globals=vars(store)).return_annotation
                yield port, getattr(work, name)


def promised(port: type) -> Iterator[tuple[str, Callable[..., object]]]:
    return ((name, value) for name, value in vars(port).items() if inspect.isfunction(value) and name[0] != "_")


@pytest.mark.parametrize(("port", "fake"), list(pairs()), ids=lambda one: getattr(one, "__name__", ""))
def test_a_fake_takes_what_its_port_promises_with_the_same_defaults(port: type, fake: object) -> None:
    assert list(promised(port))
    for name, promise in promised(port):
        asked = list(inspect.signature(promise).parameters.values())[1:]
        taken = inspect.signature(getattr(fake, name)).parameters.values()
        assert [(one.name, one.kind, one.default) for one in asked] == [
            (one.name, one.kind, one.default) for one in taken
        ], name


def test_a_unit_of_work_has_every_part_at_hand() -> None:
    parts = {name: part for name, part in vars(store.UnitOfWork).items() if name[0] != "_"}
    assert all(isinstance(part, property) for part in parts.values())
    assert len(parts) == len({port for port, _ in pairs()}) - 2


def test_the_service_is_the_actor_where_none_is_named() -> None:
    assert inspect.signature(store.Store.begin).parameters["actor"].default == SERVICE


@pytest.mark.parametrize(
    ("lease", "scheduled", "farthest"),
    [
        (timedelta(seconds=85), False, timedelta(minutes=10)),
        (timedelta(minutes=5), False, timedelta(minutes=10)),
        (timedelta(minutes=6), False, timedelta(minutes=12)),
        (timedelta(minutes=6), True, timedelta(hours=2)),
        (timedelta(hours=1, minutes=1), True, timedelta(hours=2, minutes=2)),
    ],
)
def test_a_look_is_planned_only_so_far_ahead(lease: timedelta, scheduled: bool, farthest: timedelta) -> None:
    assert farthest_check(lease, scheduled=scheduled) == farthest
    if not scheduled:
        assert farthest_check(lease) == farthest


def test_payloads_are_of_the_first_version() -> None:
    assert feed.PAYLOAD_VERSION == 1


def test_a_place_in_a_list_is_a_time_and_an_id() -> None:
    assert Position(START, "a") == Position(START, "a")
    assert Position(START, "a") != Position(START, "b")
