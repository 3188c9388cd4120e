"""Two administrators who name one transaction for two payments at the same moment cannot both be believed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine

from adapters.persistence.store import SqlStore
from application.common.errors import ContradictedByGateway
from application.ports.gateway import Transaction
from application.recovery.resolve_operation import Resolution, ResolveOperationCommand
from domain.money import Money
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import HORIZON, LEASE, SHOP, Shop, a_request_id
from tests.encryption_keys import SEALER
from tests.fakes.faulty_gateway import Fault

ROUNDS = 5


@pytest.fixture
def shop(engine: Engine) -> Shop:
    shop = Shop()
    shop.store = SqlStore(engine, shop.ids, SEALER)  # type: ignore[assignment]
    shop.restart()
    return shop


def test_a_transaction_made_by_hand_is_taken_for_one_payment_only(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    together = Barrier(2)
    find = shop.gateway.find_transaction

    def find_together(transaction_id: str) -> Transaction | None:
        found = find(transaction_id)
        together.wait(10)
        return found

    def resolve(payment: Payment, transaction_id: str) -> bool:
        order = ResolveOperationCommand(
            request_id=a_request_id(),
            operation_id=payment.authorization.operation_id,
            resolution=Resolution.SUCCEEDED,
            gateway_transaction_id=transaction_id,
            reason="seen in the control panel",
        )
        try:
            resolved = shop.resolve_operation(order, SHOP)
        except ContradictedByGateway:
            return False
        return resolved.state is PaymentState.CAPTURED

    monkeypatch.setattr(shop.gateway, "find_transaction", find_together)
    for number in range(ROUNDS):
        shop.fails("authorize", Fault.LOST_BEFORE)
        shop.fails("authorize", Fault.LOST_BEFORE)
        lost = [shop.pay(), shop.pay()]
        shop.wait(LEASE + HORIZON)
        by_hand = shop.real_gateway.add_external_sale(f"by hand {number}", Money(100_00, "USD"))
        with ThreadPoolExecutor(2) as pool:
            believed = list(pool.map(resolve, lost, [by_hand.transaction_id] * 2))
        assert sorted(believed) == [False, True]
