"""Callers: the resources that they reach and own, and their names in the history."""

from __future__ import annotations

import pytest

from application.common.caller import EVERY_SCOPE, Caller, Scope, scopes_named
from domain.ids import CallerId, CustomerId

ANN, BOB = CustomerId("cus_ann"), CustomerId("cus_bob")
HERE, THERE = CallerId("shop"), CallerId("rival")
SHOP = Caller(HERE)
BOUND = Caller(HERE, customer_id=ANN)
ADMINISTRATOR = Caller(HERE, frozenset({Scope.ADMIN}))


def test_a_customer_never_has_the_scope_of_an_administrator() -> None:
    assert Caller(HERE, EVERY_SCOPE, ANN).scopes == EVERY_SCOPE - {Scope.ADMIN, Scope.PAYMENTS_SKIP_CHECKS}
    assert Caller(HERE, EVERY_SCOPE).scopes == EVERY_SCOPE


def test_nothing_is_allowed_without_a_scope_that_names_it() -> None:
    reader = Caller(HERE, frozenset({Scope.PAYMENTS_READ}))
    assert [scope for scope in Scope if reader.may(scope)] == [Scope.PAYMENTS_READ]
    assert not any(SHOP.may(scope) for scope in Scope)


def test_the_history_names_the_caller_and_the_credential() -> None:
    assert SHOP.actor == "shop"
    assert Caller(HERE, credential="key_1").actor == "shop/key_1"


def test_each_bound_customer_has_request_ids_of_their_own() -> None:
    assert SHOP.idempotency_scope == "shop"
    assert BOUND.idempotency_scope == "shop/cus_ann"


@pytest.mark.parametrize(
    ("caller", "owner", "customer", "reaches", "owns"),
    [
        pytest.param(SHOP, HERE, ANN, True, True, id="its own"),
        pytest.param(SHOP, HERE, None, True, True, id="its own, of no customer"),
        pytest.param(SHOP, THERE, ANN, False, False, id="another caller's"),
        pytest.param(BOUND, HERE, ANN, True, True, id="the customer's own"),
        pytest.param(BOUND, HERE, BOB, False, False, id="another customer's"),
        pytest.param(BOUND, HERE, None, False, False, id="of no customer"),
        pytest.param(BOUND, THERE, ANN, False, False, id="another caller's customer of that id"),
        pytest.param(ADMINISTRATOR, HERE, ANN, True, True, id="an administrator's own"),
        pytest.param(ADMINISTRATOR, THERE, BOB, True, False, id="anybody's for an administrator"),
    ],
)
def test_one_rule_decides_access_and_ownership(
    caller: Caller, owner: CallerId, customer: CustomerId | None, reaches: bool, owns: bool
) -> None:
    assert caller.reaches(owner, customer) is reaches
    assert caller.owns(owner, customer) is owns


def test_an_administrator_reaches_every_caller() -> None:
    assert ADMINISTRATOR.reach is None
    assert SHOP.reach == HERE
    assert Caller(HERE, EVERY_SCOPE, ANN).reach == HERE


def test_scopes_of_another_service_grant_nothing() -> None:
    assert scopes_named(["payments:read", "admin", "mail:send", ""]) == {Scope.PAYMENTS_READ, Scope.ADMIN}
    assert scopes_named(iter(["events:read", "admin"])) == {Scope.EVENTS_READ, Scope.ADMIN}
    assert scopes_named([]) == frozenset()
