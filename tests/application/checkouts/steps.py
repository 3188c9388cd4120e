"""A shop with checkouts, and the steps of its shoppers."""

from __future__ import annotations

import itertools
from dataclasses import replace

from application.checkouts.create_checkout import CreateCheckout, CreateCheckoutCommand
from application.checkouts.expire_checkout import ExpireCheckout
from application.checkouts.follow_checkouts import FollowCheckouts
from application.checkouts.get_checkout import GetCheckout
from application.checkouts.pay_checkout import PayCheckout, PayCheckoutCommand, PayResult
from application.checkouts.view_checkout import CheckoutView, ViewCheckout
from application.common.validator import RawMoney
from domain.checkout import Checkout
from tests.application.shop import HUNDRED, SHOP, Shop, a_request_id

VISA_NONCE = "fake-valid-nonce"
DECLINED = RawMoney(2000_00, "USD")
_tokens = (f"token-{number}" for number in itertools.count(1))


def a_command(**changes: object) -> CreateCheckoutCommand:
    command = CreateCheckoutCommand(
        request_id=a_request_id(), reference=a_request_id(), amount=HUNDRED, success_url="https://shop.example/paid"
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # the names of fields


class CheckoutShop(Shop):
    def restart(self) -> None:
        super().restart()
        store, clock = self.store, self.clock
        self.create_checkout = CreateCheckout(store, clock, self.ids, self.guard, self.accounts, lambda: next(_tokens))
        self.get_checkout = GetCheckout(store)
        self.expire_checkout = ExpireCheckout(store, clock, self.guard)
        self.view_checkout = ViewCheckout(store, clock)
        self.pay_checkout = PayCheckout(store, clock, self.create, self.view_checkout)
        self.follow_checkouts = FollowCheckouts(store, clock, self.view_checkout)

    def checkout(self, **changes: object) -> Checkout:
        return self.create_checkout(a_command(**changes), SHOP)

    def pay_at(
        self, checkout: Checkout, *, session: str = "", attempt: int = 1, nonce: str = VISA_NONCE, method_id: str = ""
    ) -> PayResult:
        command = PayCheckoutCommand(
            token=checkout.token,
            session=session,
            attempt=attempt,
            nonce="" if method_id else nonce,
            payment_method_id=method_id,
        )
        result = self.pay_checkout(command)
        assert result is not None
        return result

    def seen(self, checkout: Checkout, session: str = "") -> CheckoutView:
        view = self.view_checkout(checkout.token, session)
        assert view is not None
        return view

    def read_checkout(self, checkout: Checkout) -> Checkout:
        return self.get_checkout(checkout.checkout_id, SHOP)

    def expire(self, checkout: Checkout) -> Checkout:
        return self.expire_checkout(a_request_id(), checkout.checkout_id, SHOP)
