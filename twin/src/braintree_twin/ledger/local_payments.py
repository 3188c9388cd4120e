"""Local payments: created by a server, approved by the buyer at the bank, completed by a sale, or reversed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from braintree_twin.calls import Call
from braintree_twin.clock import FixedClock, parse_stamp, stamp
from braintree_twin.rules.bank_accounts import LOCAL_PAYMENT
from braintree_twin.state.records import LocalPayment, Nonce
from braintree_twin.webhooks.notifications import notify

# Without an approval, it expires; without a sale after the approval, the money goes back.
EXPIRES_AFTER = timedelta(days=3)
REVERSED_AFTER = timedelta(hours=3)
CREATED, APPROVED, EXPIRED, REVERSED, FUNDED = "created", "approved", "expired", "reversed", "funded"
# What somebody may do to a local payment, and the status that it needs.
ACTIONS = {"approve": CREATED, "expire": CREATED, "fund": CREATED, "reverse": APPROVED}


def create(call: Call, **fields: str | None) -> LocalPayment:
    now = call.clock.stamp()
    identifier = call.ids.dispute()
    record = LocalPayment(
        id=identifier,
        status=CREATED,
        created_at=now,
        updated_at=now,
        payment_id=f"LP-{identifier.upper()}",
        due_at=stamp(call.clock.now() + EXPIRES_AFTER),
        **fields,  # type: ignore[arg-type]
    )
    call.store.local_payments.put(call.merchant.id, record)
    return record


def act(call: Call, record: LocalPayment, action: str) -> None:
    """The buyer approves or funds the payment, or the time for it ends."""
    {"approve": _approve, "expire": _expire, "fund": _fund, "reverse": _reverse}[action](call, record)


def _save(call: Call, record: LocalPayment, status: str) -> None:
    record.status, record.updated_at = status, call.clock.stamp()
    call.store.local_payments.put(call.merchant.id, record)


def _approve(call: Call, record: LocalPayment) -> None:
    """The nonce pays once; the notification has it, in case that the buyer does not come back."""
    record.approved_at = call.clock.stamp()
    record.due_at = stamp(call.clock.now() + REVERSED_AFTER)
    wallet = {
        "funding_source": record.type.lower(),
        "payment_id": record.payment_id,
        "payment_context_id": record.id,
        "payer_id": "FAKEPAYERID12",
    }
    nonce = Nonce(
        nonce=call.ids.nonce(), created_at=call.clock.stamp(), kind=LOCAL_PAYMENT, wallet={**wallet}, reusable=False
    )
    call.store.nonces.put(call.merchant.id, nonce)
    record.nonce = nonce.nonce
    _save(call, record, APPROVED)
    notify(
        call,
        "local_payment_completed",
        {
            "local_payment": {
                "payment_id": record.payment_id,
                "payment_context_id": record.id,
                "payer_id": wallet["payer_id"],
                "payment_method_nonce": nonce.nonce,
                "bic": "TWINNL2A",
                "iban_last_chars": "1234",
                "payer_name": record.payer_name,
            }
        },
    )


def _expire(call: Call, record: LocalPayment) -> None:
    record.expired_at, record.due_at = call.clock.stamp(), None
    _save(call, record, EXPIRED)
    _notify(call, record, "local_payment_expired")


def _fund(call: Call, record: LocalPayment) -> None:
    record.transacted_at, record.due_at = call.clock.stamp(), None
    _save(call, record, FUNDED)
    paid = {"id": record.id, "status": "settled", "amount": record.amount, "order_id": record.order_id}
    notify(
        call,
        "local_payment_funded",
        {
            "local_payment_funded": {
                "payment_id": record.payment_id,
                "payment_context_id": record.id,
                "transaction": {**paid, "currency_iso_code": record.currency},
            }
        },
    )


def _reverse(call: Call, record: LocalPayment) -> None:
    record.due_at = None
    nonce = call.store.nonces.get(call.merchant.id, record.nonce)
    if nonce:
        nonce.locked = True
        call.store.nonces.put(call.merchant.id, nonce)
    _save(call, record, REVERSED)
    _notify(call, record, "local_payment_reversed")


def _notify(call: Call, record: LocalPayment, kind: str) -> None:
    notify(call, kind, {kind: {"payment_id": record.payment_id, "payment_context_id": record.id}})


def apply_due(call: Call) -> int:
    """Expire what nobody approved, reverse what nobody sold, each at its own time; returns the number of changes."""
    due = list(call.store.local_payments.scan(call.merchant.id, [("due_at <= ?", call.clock.stamp())]))
    for record in due:
        moment = replace(call, clock=FixedClock(parse_stamp(record.due_at or call.clock.stamp())))
        nonce = call.store.nonces.get(call.merchant.id, record.nonce)
        if nonce and nonce.consumed:
            record.transacted_at, record.due_at = moment.clock.stamp(), None
            call.store.local_payments.put(call.merchant.id, record)
        elif record.status == APPROVED:
            _reverse(moment, record)
        else:
            _expire(moment, record)
    return len(due)
