"""Clones a transaction: a new sale with the same card and another amount."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.authorization import AuthorizationRequest, authorize, submit_if_requested
from braintree_twin.ledger.disputes import open_triggered_dispute
from braintree_twin.resources.transactions.common import MAX_TEXT_LENGTH, ROOT, UNSUCCESSFUL, account_of, answer, load
from braintree_twin.rules.cards import VALID
from braintree_twin.rules.money import TRANSACTION_AMOUNT, canonical
from braintree_twin.state.records import Transaction
from braintree_twin.validation import Errors, ValidationFailed

ROOT_CLONE = "transaction_clone"
CREDIT, UNSUCCESSFUL_SALE, VAULTED_CARD, PAYPAL = "91543", "91542", "91540", "91573"
SETTLEMENT_CHOICE_REQUIRED = "91544"


def clone(call: Call) -> Answer:
    original = load(call)
    params = call.params(ROOT_CLONE)
    errors = Errors()
    faults = errors.on(ROOT)
    faults.add("base", _fault(original))
    amount, fault = TRANSACTION_AMOUNT.check(params.text("amount"), original.currency)
    faults.add("amount", fault)
    channel = params.text("channel")
    faults.add("channel", "91550" if len(channel or "") > MAX_TEXT_LENGTH else None)
    options = params.section("options")
    if not options.has("submit_for_settlement"):
        faults.on("options").add("submit_for_settlement", SETTLEMENT_CHOICE_REQUIRED)
    account = account_of(call, original)
    faults.add("base", "91514" if account.suspended else None)
    if errors or amount is None:
        raise ValidationFailed(errors)
    record = _draft(call, original, canonical(amount, original.currency), channel)
    behaviour = original.card["behaviour"] if original.card else VALID
    decision = authorize(
        call, record, AuthorizationRequest(account=account, amount=amount, options=options, behaviour=behaviour)
    )
    submit_if_requested(call, record, options)
    call.store.transactions.put(call.merchant.id, record)
    if decision.approved:
        open_triggered_dispute(call, record)
    return answer(call, record, status=201)


def _fault(original: Transaction) -> str | None:
    if original.type == "credit":
        return CREDIT
    if original.status in UNSUCCESSFUL:
        return UNSUCCESSFUL_SALE
    if original.kind == "paypal_account":
        return PAYPAL
    return VAULTED_CARD if original.token else None


def _draft(call: Call, original: Transaction, amount: str, channel: str | None) -> Transaction:
    """The original's request fields, without its outcome."""
    now = call.clock.stamp()
    asked = {
        name: getattr(original, name)
        for name in (
            "merchant_account_id",
            "currency",
            "order_id",
            "purchase_order_number",
            "recurring",
            "custom_fields",
            "customer",
            "billing",
            "shipping",
            "descriptor",
            "kind",
            "card",
            "wallet",
            "avs_error",
            "avs_postal",
            "avs_street",
        )
    }
    return Transaction(
        id=call.ids.transaction(),
        type="sale",
        status="authorizing",
        amount=amount,
        amount_requested=amount,
        created_at=now,
        updated_at=now,
        cvv="I" if original.card else None,
        channel=channel or original.channel,
        **asked,
    )
