"""Several callers with API keys of their own, against the gRPC side in this process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from dependency_injector import providers

from adapters.grpc.middleware.authorization import current_caller
from application.common.api_key import ApiKey, format_key, hash_of
from application.common.caller import EVERY_SCOPE, Scope
from domain.customer import Customer
from domain.ids import CallerId, CustomerId
from tests.adapters.grpc.serving import House, a_house
from tests.fakes.runtime import START

SHOP: Final = "shop"
ANN: Final = CustomerId("cus_" + "a" * 26)
EVE: Final = CustomerId("cus_" + "e" * 26)
_SECRET: Final = "for-tests-only".ljust(43, "0")


def a_guarded_house(**settings: Any) -> House:
    """A service that asks who calls, and looks again every 50 ms."""
    house = a_house(authentication="required", credential_seconds=0.05, **settings)
    house.container.current_caller.override(providers.Object(current_caller))
    return house


def give_key(
    house: House,
    name: str,
    *,
    caller_id: str = SHOP,
    scopes: Iterable[Scope] = EVERY_SCOPE,
    customer_id: CustomerId | None = None,
    expire_time: datetime | None = None,
) -> tuple[tuple[str, str], ...]:
    """A new key; returns the metadata that shows it."""
    key_id = _key_id(name)
    with house.container.store().begin() as work:
        if customer_id is not None and work.customers.get(customer_id) is None:
            work.customers.add(
                Customer(customer_id=customer_id, caller_id=CallerId(caller_id), create_time=START, update_time=START)
            )
        work.api_keys.add(
            ApiKey(
                key_id=key_id,
                caller_id=CallerId(caller_id),
                scopes=frozenset(scopes),
                secret_hash=hash_of(_SECRET),
                create_time=START,
                customer_id=customer_id,
                expire_time=expire_time,
            )
        )
    return (("authorization", f"Bearer {format_key(key_id, _SECRET)}"),)


def change_key(house: House, name: str, **changes: Any) -> None:
    """As another process would, behind the back of this one."""
    store: Any = house.container.store()
    keys = store._state.api_keys
    keys[_key_id(name)] = replace(keys[_key_id(name)], **changes)


def revoke(house: House, name: str) -> None:
    change_key(house, name, revoke_time=START)


def _key_id(name: str) -> str:
    return "key_" + name.encode().hex().ljust(26, "0")[:26]
