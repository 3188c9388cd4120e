"""Everything that the shop asks of Bayar, by the public client alone."""

from __future__ import annotations

import logging
import threading
import uuid

from bayar import (
    BayarClient,
    BayarError,
    CheckoutLine,
    CheckoutMethod,
    CheckoutState,
    EventType,
    Money,
    PaymentMethod,
    PaymentMethodState,
)
from shop.catalogue import CURRENCY
from shop.orders import Order, Records

# The page shows those of them that the merchant account and the browser have.
_METHODS = (CheckoutMethod.CARD, CheckoutMethod.PAYPAL, CheckoutMethod.APPLE_PAY)
_log = logging.getLogger(__name__)


class Payments:
    """base_url: the shop's own address, to which the checkout page returns."""

    def __init__(self, bayar: BayarClient, records: Records, base_url: str) -> None:
        self._bayar = bayar
        self._records = records
        self._base_url = base_url
        self._closing = threading.Event()

    def create_customer(self, email: str, name: str) -> str:
        """The id of a new customer, whose cards can be stored."""
        # The same e-mail address gives the same request: a repeat after a crash creates no second customer.
        request_id = uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}")
        given, _, family = name.partition(" ")
        return self._bayar.create_customer(
            external_id=email, email=email, given_name=given, family_name=family, request_id=str(request_id)
        ).customer_id

    def checkout_address(self, order: Order, customer_id: str) -> str:
        """The address to send the shopper to. Repeats for one order give one checkout."""
        checkout = self._bayar.create_checkout(
            request_id=order.request_id,
            reference=order.reference,
            amount=_money(order.total),
            customer_id=customer_id,
            lines=[
                CheckoutLine(description=line.name, quantity=line.quantity, amount=_money(line.amount))
                for line in order.lines
            ],
            success_url=f"{self._base_url}/orders/{order.number}/return",
            cancel_url=f"{self._base_url}/orders/{order.number}/return",
            methods=[*_METHODS, *([CheckoutMethod.STORED] if customer_id else [])],
            offer_storing=bool(customer_id),
        )
        self._records.keep_checkout(order.number, checkout.checkout_id, checkout.result_key)
        return checkout.url

    def refresh(self, order: Order) -> Order:
        """The order as Bayar knows it now, for a shopper who is back before the payment is in the feed."""
        if not order.checkout_id or order.is_paid:
            return order
        checkout = self._bayar.get_checkout(checkout_id=order.checkout_id)
        if checkout.state is CheckoutState.COMPLETED and checkout.payment_id:
            self._records.apply(self._bayar.get_payment(payment_id=checkout.payment_id))
        return self._records.order(order.number)

    def refund(self, order: Order, amount: int, request_id: str) -> Order:
        """Give an amount back. The page that asks made the request_id: a second click refunds nothing twice."""
        payment = self._bayar.refund_payment(
            payment_id=order.payment_id, amount=_money(amount), note="by the shop owner", request_id=request_id
        )
        self._records.apply(payment)
        return self._records.order(order.number)

    def stored_methods(self, customer_id: str) -> list[PaymentMethod]:
        methods = self._bayar.list_payment_methods(customer_id=customer_id)
        return [method for method in methods if method.state is PaymentMethodState.ACTIVE]

    def forget_method(self, customer_id: str, payment_method_id: str) -> None:
        """Delete a stored method of this customer; nothing happens to anybody else's."""
        if payment_method_id in {method.payment_method_id for method in self.stored_methods(customer_id)}:
            self._bayar.delete_payment_method(payment_method_id=payment_method_id)

    def follow(self) -> threading.Thread:
        """Keep orders in step with the feed, in a thread: the shop's truth, also for shoppers who never come back."""
        thread = threading.Thread(target=self._follow, name="feed", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """End the thread that follows the feed, before its connection is closed."""
        self._closing.set()

    def _follow(self) -> None:
        while not self._closing.is_set():
            try:
                position = self._records.position()
                for event in self._bayar.stream_events(after_position=position, types=[EventType.PAYMENT_CHANGED]):
                    if event.payment_change:
                        self._records.apply(event.payment_change.payment, event.position)
            except BayarError as error:
                if not self._closing.is_set():
                    _log.warning("The feed is interrupted, and read again in two seconds: %s", error)
                self._closing.wait(2)


def _money(minor_units: int) -> Money:
    return Money(minor_units=minor_units, currency_code=CURRENCY)
