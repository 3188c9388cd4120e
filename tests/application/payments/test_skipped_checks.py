"""Checks of the gateway that a payment goes without, where the credential may ask for that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.caller import Caller, Scope
from application.common.errors import InvalidRequest, RequestIdReused, Rule, ScopeMissing
from domain.payment_check import PaymentCheck
from tests.application.shop import SHOP, Shop, an_order

ALLOWED = Caller(SHOP.caller_id, frozenset({Scope.PAYMENTS_SKIP_CHECKS}))
ALL = tuple(PaymentCheck)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_gateway_is_asked_to_leave_them_out_and_the_payment_shows_it(shop: Shop) -> None:
    payment = shop.pay(an_order(skip_checks=(PaymentCheck.CVV, PaymentCheck.ADVANCED_FRAUD)), ALLOWED)
    (sent,) = shop.real_gateway.authorizations
    assert sent.risk.skipped_checks == (PaymentCheck.ADVANCED_FRAUD, PaymentCheck.CVV)
    assert payment.terms.skipped_checks == sent.risk.skipped_checks
    assert shop.pay(an_order(), ALLOWED).terms.skipped_checks == ()


@pytest.mark.parametrize(
    "caller",
    [
        SHOP,
        Caller(SHOP.caller_id, frozenset({Scope.ADMIN, Scope.PAYMENTS_WRITE})),
        Caller(SHOP.caller_id, frozenset({Scope.PAYMENTS_SKIP_CHECKS}), customer_id="cus_1"),  # type: ignore[arg-type]
    ],
    ids=["without the scope", "an administrator", "one customer"],
)
def test_a_credential_without_the_scope_is_refused_before_anything_is_recorded(shop: Shop, caller: Caller) -> None:
    with pytest.raises(ScopeMissing) as missing:
        shop.pay(an_order(skip_checks=ALL), caller)
    assert missing.value.scope is Scope.PAYMENTS_SKIP_CHECKS
    assert (shop.calls, shop.list_all()) == ([], [])


@pytest.mark.parametrize("given", [(None,), (PaymentCheck.AVS, PaymentCheck.AVS)], ids=["unknown", "twice"])
def test_unknown_checks_and_repeated_ones_are_refused(shop: Shop, given: tuple[PaymentCheck | None, ...]) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(an_order(skip_checks=given), ALLOWED)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [("skip_checks", Rule.ONLY_THESE_ONCE)]


def test_a_repeat_has_to_name_the_same_checks(shop: Shop) -> None:
    order = an_order(skip_checks=ALL)
    assert shop.pay(order, ALLOWED) == shop.pay(order, ALLOWED)
    with pytest.raises(RequestIdReused):
        shop.pay(replace(order, skip_checks=()), ALLOWED)
