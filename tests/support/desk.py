"""A support desk for tests: a shop with its twin, the situations that people call about, and the traces of acts."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from braintree.successful_result import SuccessfulResult

from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.access.issue_key import IssueKey
from application.access.manage_api_keys import CreateApiKey
from application.access.manage_operators import AddOperator, CreateOperatorKey
from application.common.caller import Scope
from application.common.operator import OperatorRight
from application.ports.audit_log import AuditEntry
from application.ports.deliveries import Delivery, DeliveryState
from bayar import (
    BayarClient,
    CaptureMode,
    Customer,
    Dispute,
    Payment,
    PaymentState,
    ThreeDSecure,
    ThreeDSecurePolicy,
    money,
)
from bayar import card as card_of
from bayar.cards import CardInput
from bootstrap.wiring.clock_and_ids import SystemClock, UlidSource
from domain.ids import EventId
from tests.end_to_end.dispute_steps import DISPUTED, turn_on_webhooks
from tests.end_to_end.service import Pair, running_pair, until
from tests.end_to_end.test_event_webhooks import SECRET, Receiver
from tests.end_to_end.test_webhooks import sdk_of

SHOP: Final = "shop"
PERSON: Final = "Siti Rahayu"
ENDPOINT: Final = "orders"
NOT_AUTHENTICATED: Final = "fake-three-d-secure-visa-failed-authentication-nonce"
_YEAR: Final = datetime.now(UTC).year + 3
_SCOPES: Final = frozenset(
    {
        Scope.PAYMENTS_READ,
        Scope.PAYMENTS_WRITE,
        Scope.PAYMENTS_REFUND,
        Scope.CUSTOMERS_READ,
        Scope.CUSTOMERS_WRITE,
        Scope.DISPUTES_READ,
    }
)


@contextmanager
def running_pair_of_a_desk(directory: Path) -> Iterator[tuple[Pair, Receiver]]:
    """A service with its twin, whose shop has an endpoint for events, and a limit against card testing."""
    receiver = Receiver()
    endpoints = directory / "endpoints.toml"
    endpoints.write_text(
        f'[[endpoint]]\nname = "{ENDPOINT}"\nurl = "{receiver.url}"\ncaller = "{SHOP}"\nsecret_env = "SHOP_SECRET"\n'
    )
    settings = {
        "BAYAR_EVENT_WEBHOOKS_FILE": str(endpoints),
        "BAYAR_ALLOW_PRIVATE_WEBHOOKS": "true",
        "SHOP_SECRET": SECRET,
        "BAYAR_DECLINES_PER_CLIENT_ADDRESS": "2",
        # A person asks before the service asks by itself.
        "BAYAR_FIRST_CHECK_SECONDS": "300",
    }
    try:
        with running_pair(directory, settings) as pair:
            turn_on_webhooks(pair)
            yield pair, receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


def a_card(number: str = "4111111111111111") -> CardInput:
    return card_of(number=number, expiration_month=12, expiration_year=_YEAR, cvv="123")


def transaction_of(payment: Payment) -> str:
    """The gateway's id of the payment's transaction."""
    assert payment.gateway_details is not None
    return payment.gateway_details.transaction_id


def a_reason() -> str:
    """A reason that no other act gives."""
    return f"ticket {uuid.uuid4().hex[:8]}"


@dataclass
class Desk:
    """The shop's side and the gateway's. `operator` gives the key of a person with these rights alone."""

    pair: Pair
    receiver: Receiver
    _keys: dict[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def store(self) -> SqlStore:
        return SqlStore(create_engine(self.pair.service.environment["BAYAR_DATABASE_URL"]), UlidSource())

    @cached_property
    def _issue(self) -> IssueKey:
        return IssueKey(self.store, SystemClock(), UlidSource(), os.urandom)

    @cached_property
    def shop(self) -> BayarClient:
        _, key = CreateApiKey(self._issue)(SHOP, _SCOPES)
        return BayarClient(self.pair.service.address, credential=key)

    def operator(self, rights: str) -> str:
        if rights not in self._keys:
            granted = frozenset(map(OperatorRight, rights.split(",")))
            person = AddOperator(self.store, SystemClock(), UlidSource())(PERSON, granted)
            self._keys[rights] = CreateOperatorKey(self._issue)(person.operator_id)[1]
        return self._keys[rights]

    def as_operator(self, rights: str) -> BayarClient:
        """A connection of such a person; leave it to close it."""
        return BayarClient(self.pair.service.address, credential=self.operator(rights))

    def close(self) -> None:
        if "shop" in self.__dict__:
            self.shop.close()

    # Situations

    def pay(self, amount: str = "25.00", card: str = "", **more: Any) -> Payment:
        wanted: dict[str, Any] = {"reference": f"order-{uuid.uuid4().hex[:12]}", "amount": money(amount, "USD"), **more}
        if not {"payment_method_nonce", "payment_method_id"} & wanted.keys():
            wanted["card"] = a_card(card) if card else a_card()
        return self.shop.create_payment(**wanted)

    def hold(self, amount: str = "50.00") -> Payment:
        return self.pay(amount, capture_mode=CaptureMode.MANUAL)

    def settled(self, amount: str = "25.00") -> Payment:
        payment = self.pay(amount)
        self.pair.twin.control.settle()
        return self.shop.verify_payment(payment_id=payment.payment_id).payment

    def not_authenticated(self) -> Payment:
        policy = ThreeDSecure(policy=ThreeDSecurePolicy.REQUIRED)
        return self.pay(payment_method_nonce=NOT_AUTHENTICATED, three_d_secure=policy)

    def customer_with_two_cards(self) -> tuple[Customer, list[str]]:
        """The second card is not the default."""
        customer = self.shop.create_customer(given_name="Dewi", family_name="Lestari", email="dewi@example.com")
        methods = [
            self.shop.add_payment_method(customer_id=customer.customer_id, card=a_card(number))
            for number in ("4111111111111111", "5555555555554444")
        ]
        return customer, [method.payment_method_id for method in methods]

    def dispute(self) -> Dispute:
        payment = self.pay("30.00", DISPUTED)
        (dispute,) = until(
            lambda: list(self.shop.list_disputes(payment_id=payment.payment_id)), what="the gateway's notice"
        )
        return dispute

    def bank_decides(self, dispute: Dispute, end: str) -> None:
        transaction_id = transaction_of(self.now(dispute.payment_id))
        (at_gateway,) = sdk_of(self.pair).transaction.find(transaction_id).disputes
        self.pair.twin.control.move_dispute(at_gateway.id, end)

    def blocked_address(self) -> str:
        """A shopper's address from which too many cards were declined."""
        address = f"198.51.100.{len(list(self.shop.list_payments(page_size=500))) % 250 + 1}"
        for _ in range(2):
            assert self.pay("2001.00", client_address=address).state is PaymentState.DECLINED
        return address

    def unknown(self) -> Payment:
        """A payment of which the gateway's answer was lost."""
        self.pair.twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
        payment = self.pay()
        assert payment.state is PaymentState.PENDING
        return payment

    def orphan(self) -> str:
        """A transaction of this deployment that no record explains. Gives the gateway's id."""
        known = self.pay()
        (order_id,) = (
            one.order_id for one in self.pair.twin.control.ledger() if one.id == transaction_of(known) and one.order_id
        )
        forgotten = order_id.replace(known.operations[0].operation_id, UlidSource().new("op"))
        sale = {
            "amount": "77.00",
            "order_id": forgotten,
            "payment_method_nonce": "fake-valid-nonce",
            "merchant_account_id": "twin_usd",
            "options": {"submit_for_settlement": True},
        }
        made = sdk_of(self.pair).transaction.sale(sale)
        assert isinstance(made, SuccessfulResult)
        return str(made.transaction.id)

    def dead_letter(self) -> str:
        """An event that the shop's endpoint did not take for three days. Gives its id."""
        count = len(self.receiver.got)
        self.pay()
        until(lambda: len(self.receiver.got) > count, what="the event")
        event = self.receiver.got[-1]
        dead = Delivery(
            endpoint=ENDPOINT,
            event_id=EventId(str(event["id"])),
            position=int(str(event["position"])),
            state=DeliveryState.DEAD,
            reason="HTTP 503",
            time=datetime.now(UTC),
        )
        with self.store.begin() as work:
            work.deliveries.upsert(dead)
        return dead.event_id

    # Results

    def now(self, payment_id: str) -> Payment:
        return self.shop.get_payment(payment_id=payment_id)

    def at_gateway(self, transaction_id: str) -> str:
        """The status of a transaction."""
        (status,) = (one.status for one in self.pair.twin.control.ledger() if one.id == transaction_id)
        return status

    def times_sent(self, event_id: str) -> int:
        return [event["id"] for event in self.receiver.got].count(event_id)

    def acts_of(self, payment_id: str) -> list[tuple[str, str, str]]:
        """Person, caller and reason, as the payment's history has them."""
        acts = (event.on_behalf for event in self.shop.list_payment_events(payment_id=payment_id))
        return [(act.operator_name, act.caller_id, act.reason) for act in acts if act]

    def audited(self, reason: str, caller: str = SHOP) -> None:
        """The audit log has the act before and after, with the person, the caller and the reason."""

        def entries() -> list[AuditEntry]:
            with self.store.read() as work:
                return [one for one in work.audit.page(after=None, limit=50) if one.details.get("reason") == reason]

        found = until(lambda: entries() if len(entries()) >= 2 else None, what=f"the audit entries of {reason}")
        assert [one.outcome for one in found] == ["OK", ""]
        for entry in found:
            assert f"operator {PERSON}" in entry.actor
            assert entry.details.get("on_behalf_of", "") == caller


def this_month(zone: str = "UTC") -> Mapping[str, str]:
    """The month and its days, as the commands and the page take them."""
    today = datetime.now(ZoneInfo(zone)).date()
    following = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
    return {"month": f"{today:%Y-%m}", "first": f"{today:%Y-%m-01}", "end": f"{following}"}
