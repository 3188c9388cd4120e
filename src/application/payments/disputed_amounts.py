"""Disputed amounts of a transaction, corrected by the latest report of each dispute, whatever its source."""

from dataclasses import replace

from application.common.errors import PaymentDisputed
from application.ports.gateway import Transaction
from application.ports.store import UnitOfWork
from domain.money import Money
from domain.payment import Payment


def with_latest_claims(work: UnitOfWork, found: Transaction) -> Transaction:
    """The gateway's transaction, corrected by disputes of which the record knows more.

    Answers overtake one another, and searches lag. The refundable amount must not depend on the order of arrival.
    """
    known = {one.report.gateway_dispute_id: one.report for one in work.disputes.of_transaction(found.transaction_id)}
    if not known:
        return found
    claims = {claim.gateway_dispute_id: claim.amount for claim in found.claims}
    shown = {claim.gateway_dispute_id: claim.change_time for claim in found.claims}
    for gateway_dispute_id, report in known.items():
        shown_time = shown.get(gateway_dispute_id)
        if shown_time is None or shown_time <= report.change_time:
            claims[gateway_dispute_id] = report.claim
    currency_code = found.amount.currency_code
    total = Money.total((a for a in claims.values() if a.currency_code == currency_code), currency_code)
    return replace(found, standing=replace(found.standing, disputed_amount=total or None))


def refuse_if_claimed(work: UnitOfWork, payment: Payment, amount: Money | None) -> None:
    """Raises PaymentDisputed where only a dispute keeps the amount, or all that was captured, from being refunded."""
    claimed, left = payment.disputed_amount, payment.refundable_amount
    unclaimed = payment.captured_amount - payment.refunded_amount - payment.refund_pending_amount
    if not claimed or not unclaimed or (amount is not None and not left < amount <= unclaimed):
        return
    found = [one for sale in payment.captured_sales for one in work.disputes.of_transaction(sale.transaction_id)]
    dispute_ids = tuple(one.dispute_id for one in found if one.report.claim)
    raise PaymentDisputed(payment.terms.payment_id, dispute_ids, claimed, left)
