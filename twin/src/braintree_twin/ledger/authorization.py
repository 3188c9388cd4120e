"""Authorizes a new transaction: the gateway's own rejections first, then the processor's response."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from braintree_twin.calls import Call
from braintree_twin.clock import stamp
from braintree_twin.ledger.lifecycle import SETTLING_AT_ONCE, authorization_expiry, enter, leave_to_the_bank
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules import cards
from braintree_twin.rules.avs_cvv import avs_response, rejection
from braintree_twin.rules.processor_responses import Decision, advice_of, decide_by_amount, kind_of, text_of
from braintree_twin.state.records import Transaction
from braintree_twin.vault.verifying import link_id

# The processor's code for a partial approval, if the merchant accepts one.
PARTLY_APPROVED = "1004"
# The largest amount that a merchant takes whose application is not finished (inferred).
LARGEST_BEFORE_APPROVAL = Decimal(2000)
# Behaviour of the card -> the reason for which fraud checking rejects it.
_REJECTED_AS_FRAUD = {cards.FRAUD: "fraud", cards.RISK_THRESHOLD: "risk_threshold"}


@dataclass(slots=True, kw_only=True)
class AuthorizationRequest:
    """The facts that the decision depends on, beside the transaction."""

    account: MerchantAccount
    amount: Decimal
    options: Params = field(default_factory=Params)
    # The behaviour that the card number triggers; see rules/cards.py.
    behaviour: str = cards.VALID
    # The outcome of a test nonce, if it has a fixed one.
    preset_decision: Decision | None = None
    has_request_key: bool = False
    # The merchant requires 3-D Secure, and the payment has none.
    lacks_authentication: bool = False
    accepts_partial: bool = False


def authorize(call: Call, record: Transaction, request: AuthorizationRequest) -> Decision:
    """Decide whether the transaction is approved, and write the outcome into the record."""
    decision = _decide(call, record, request)
    _apply(call, record, decision)
    return decision


def submit_if_requested(call: Call, record: Transaction, options: Params) -> None:
    """Submit for settlement: credits always, sales if the options say so."""
    if record.status != "authorized" and not (record.status == "authorizing" and record.type == "credit"):
        return
    if record.type == "credit" or options.flag("submit_for_settlement"):
        record.due_at = None
        enter(call, record, "submitted_for_settlement")
        # Processors of installments begin at once, too (inferred: the sandbox refunds them before a batch).
        if record.type == "sale" and (record.kind in SETTLING_AT_ONCE or record.installment_count):
            enter(call, record, "settling")
        leave_to_the_bank(call, record)


def _decide(call: Call, record: Transaction, request: AuthorizationRequest) -> Decision:
    reason = _rejection(call, record, request)
    if reason:
        return Decision("gateway_rejected", gateway_rejection_reason=reason)
    if request.preset_decision:
        return request.preset_decision
    if request.accepts_partial and record.card and int(request.amount) == int(PARTLY_APPROVED):
        return Decision("authorized", PARTLY_APPROVED)
    return decide_by_amount(request.amount, record.kind, authenticated=_is_authenticated(record))


def _is_authenticated(record: Transaction) -> bool:
    """Whether the issuer or the network vouches for the cardholder."""
    return bool((record.three_d_secure or {}).get("liability_shifted"))


def _rejection(call: Call, record: Transaction, request: AuthorizationRequest) -> str | None:
    if record.fraud_checked and request.behaviour in _REJECTED_AS_FRAUD:
        return _REJECTED_AS_FRAUD[request.behaviour]
    if request.lacks_authentication:
        return "three_d_secure"
    if not call.merchant.application_complete and request.amount > LARGEST_BEFORE_APPROVAL:
        return "application_incomplete"
    if record.type == "sale" and _is_duplicate(call, record, request):
        return "duplicate"
    if record.type == "credit" or not record.card:
        return None
    options = request.options
    avs = None if options.flag("skip_avs") else avs_response(record.billing)
    return rejection(request.account, avs, None if options.flag("skip_cvv") else record.cvv)


def _is_duplicate(call: Call, record: Transaction, request: AuthorizationRequest) -> bool:
    """Whether the sale duplicates an earlier approved one. Stores the key that later sales are compared with."""
    account, card = request.account, record.card
    if card is None:
        return False
    parts = (record.amount, record.order_id or "", account.id, card["unique_number_identifier"])
    expiration = card["expiration_month"] + card["expiration_year"]
    record.duplicate_key = call.ids.keyed_hash("|".join((*parts, expiration)))[:32]
    if not account.duplicate_checking or request.has_request_key:
        return False
    earliest = stamp(call.clock.now() - timedelta(seconds=account.duplicate_window_seconds))
    earlier = call.store.transactions.find(
        call.merchant.id, newest_first=True, limit=1, duplicate_key=record.duplicate_key
    )
    record.duplicate_of = next((other.id for other in earlier if other.created_at >= earliest), None)
    return record.duplicate_of is not None


def _apply(call: Call, record: Transaction, decision: Decision) -> None:
    code = decision.processor_response_code
    if decision.approved and record.type == "credit":
        code = "1002"
    record.processor_response_code = code
    record.processor_response_type = kind_of(code) if code else None
    record.gateway_rejection_reason = decision.gateway_rejection_reason
    record.retrieval_reference_number = call.ids.reference() if code else None
    if not decision.approved:
        record.duplicate_key = None
        if decision.status == "processor_declined" and code:
            record.merchant_advice_code = advice_of(code, record.card["card_type"]) if record.card else None
            record.additional_processor_response = f"{code} : {text_of(code)}"
        enter(call, record, decision.status)
        return
    if record.type == "credit":
        record.duplicate_key = None
        return
    record.processor_authorization_code = call.ids.authorization_code()
    record.authorization_expires_at = record.due_at = authorization_expiry(record)
    if record.card:
        record.network_transaction_id = "0" + call.clock.now().strftime("%Y%m%d%H%M%S")
        record.mastercard_transaction_link_id = link_id(call, record.card)
    enter(call, record, "authorized")
