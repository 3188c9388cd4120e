"""The gateway contract: settlement batches and payouts."""

from __future__ import annotations

from datetime import timedelta

from application.ports.gateway import Gateway, Transaction, TransactionKind
from application.recovery.settlement_ledger import batch_day
from tests.contract.gateway_setup import GatewaySetup, a_settled_sale, approved, authorize, refund, usd


def found(gateway: Gateway, transaction: Transaction) -> Transaction:
    now = gateway.find_transaction(transaction.transaction_id)
    assert now is not None
    return now


def test_a_batch_adds_up_its_transactions_and_lists_them(setup: GatewaySetup) -> None:
    gateway = setup.gateway
    sale = found(gateway, a_settled_sale(setup, 25_00))
    credit = approved(refund(gateway, sale, 5_00))
    setup.settle(credit.transaction_id)
    unsettled = approved(authorize(gateway, 9_00, captures=True))
    day = batch_day(sale.standing.settlement_batch_id)
    assert day is not None
    listed = {
        one.transaction_id: one for one in setup.reports.transactions_in_batches(day) if isinstance(one, Transaction)
    }
    assert {sale.transaction_id, credit.transaction_id} <= set(listed)
    assert unsettled.transaction_id not in listed
    assert listed[sale.transaction_id].merchant_account_id == sale.merchant_account_id != ""
    for kind in TransactionKind:
        own = [one for one in listed.values() if one.kind is kind]
        totals = [one for one in setup.reports.batch_totals(day) if one.kind is kind]
        assert sum(one.count for one in totals) == len(own)
        assert sum((one.amount for one in totals), usd(0)) == sum((one.amount for one in own), usd(0))
    assert setup.reports.batch_totals(day - timedelta(days=400)) == []
    assert list(setup.reports.transactions_in_batches(day - timedelta(days=400))) == []


def test_a_payout_is_on_its_day(setup: GatewaySetup) -> None:
    gateway = setup.gateway
    sale = a_settled_sale(setup, 31_00)
    assert found(gateway, sale).standing.disburse_date is None
    setup.pay_out()
    paid = found(gateway, sale)
    day = paid.standing.disburse_date
    assert day is not None
    assert paid.standing.settlement_amount == usd(31_00)
    ids = [one.transaction_id for one in setup.reports.transactions_paid_out(day)]
    assert ids.count(sale.transaction_id) == 1
    assert sale.transaction_id not in [
        one.transaction_id for one in setup.reports.transactions_paid_out(day + timedelta(days=1))
    ]
