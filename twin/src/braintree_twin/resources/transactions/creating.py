"""Sales and credits: read, checked, decided, vaulted, kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from braintree_twin.calls import Answer, Call
from braintree_twin.clock import stamp
from braintree_twin.ledger.disputes import open_if_triggered
from braintree_twin.ledger.life import authorization_expiry, enter
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.resources.transactions.common import LONGEST_TEXT, ROOT, answer, check_order_id
from braintree_twin.resources.transactions.sources import Source, read_place, read_source
from braintree_twin.rules import cards
from braintree_twin.rules.avs_cvv import avs_response, rejection
from braintree_twin.rules.customers import FIELDS as CUSTOMER_FIELDS
from braintree_twin.rules.customers import read_custom_fields
from braintree_twin.rules.descriptors import read_descriptor
from braintree_twin.rules.money import SALE_AMOUNTS, TRANSACTION_AMOUNT, canonical
from braintree_twin.rules.responses import Decision, decide_by_amount, kind_of, text_of
from braintree_twin.state.records import Customer, Fields, Transaction
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.instruments import Instrument, consume
from braintree_twin.vault.storing import store_address, store_method

SOURCES = {
    "recurring": True,
    "recurring_first": True,
    "installment": False,
    "installment_first": False,
    "unscheduled": False,
    "moto": False,
    "estimated": False,
}
LONGEST_PURCHASE_ORDER = 17


@dataclass(slots=True)
class _Request:
    """A request that was found to be in order."""

    type: str
    account: MerchantAccount
    amount: Decimal
    source: Source
    options: Params
    billing: Fields = field(default_factory=dict)
    shipping: Fields = field(default_factory=dict)
    # Fields of the transaction that are kept as they came.
    kept: dict[str, object] = field(default_factory=dict)

    @property
    def instrument(self) -> Instrument:
        assert self.source.instrument is not None  # noqa: S101
        return self.source.instrument


def create(call: Call) -> Answer:
    request = _read(call, call.params(ROOT))
    record = _draft(call, request)
    decision = _decide(call, request, record)
    _apply(call, record, decision)
    if request.options.flag("store_in_vault") or (
        request.options.flag("store_in_vault_on_success") and decision.approved
    ):
        _vault(call, request, record)
    if decision.approved and (record.type == "credit" or request.options.flag("submit_for_settlement")):
        record.due_at = None
        enter(call, record, "submitted_for_settlement")
        if record.kind == "paypal_account" and record.type == "sale":
            enter(call, record, "settling")
    consume(call, request.instrument)
    call.store.transactions.put(call.merchant.id, record)
    if decision.approved:
        open_if_triggered(call, record)
    return answer(call, record, status=201)


def _read(call: Call, params: Params) -> _Request:
    errors = Errors()
    faults = errors.on(ROOT)
    kind = params.text("type")
    if kind not in ("sale", "credit"):
        faults.add("type", "91523" if kind else "91524")
    account = _account(call, params, faults)
    amount, fault = TRANSACTION_AMOUNT.check(params.text("amount"), account.currency)
    faults.add("amount", fault)
    source = read_source(call, params, faults)
    billing = read_place(call, params, faults, "billing", source)
    shipping = read_place(call, params, faults, "shipping", source)
    kept = _read_kept(call, params, account, faults)
    if errors or amount is None or source.instrument is None:
        raise ValidationFailed(errors)
    options = params.section("options")
    return _Request(kind or "sale", account, amount, source, options, billing, shipping, kept)


def _account(call: Call, params: Params, faults: Errors) -> MerchantAccount:
    given = params.text("merchant_account_id")
    account = call.merchant.by_id.get(given) if given else call.merchant.default_account
    if account is None:
        faults.add("merchant_account_id", "91513")
        return call.merchant.default_account
    faults.add("merchant_account_id", "91514" if account.suspended else None)
    return account


def _read_kept(call: Call, params: Params, account: MerchantAccount, faults: Errors) -> dict[str, object]:
    kept: dict[str, object] = {
        "order_id": check_order_id(params, faults),
        "channel": params.text("channel"),
        "purchase_order_number": params.text("purchase_order_number"),
        "ships_from_postal_code": params.text("ships_from_postal_code"),
        "tax_exempt": params.flag("tax_exempt"),
        "sca_exemption_requested": params.text("sca_exemption"),
        "descriptor": read_descriptor(params, faults),
        "custom_fields": read_custom_fields(call.merchant, params, faults, invalid="91526", too_long="81527"),
        "line_items": [{name: item.text(name) for name in item} for item in params.sections("line_items")],
    }
    if len(params.text("channel") or "") > LONGEST_TEXT:
        faults.add("channel", "91550")
    purchase_order = params.text("purchase_order_number") or ""
    if len(purchase_order) > LONGEST_PURCHASE_ORDER:
        faults.add("purchase_order_number", "91537")
    elif not purchase_order.isascii():
        faults.add("purchase_order_number", "91548")
    for name, rule in SALE_AMOUNTS.items():
        amount, fault = rule.check(params.text(name), account.currency)
        faults.add(name, fault)
        kept[name] = None if amount is None else canonical(amount, account.currency)
    kept.update(_read_transaction_source(params, faults))
    return kept


def _read_transaction_source(params: Params, faults: Errors) -> dict[str, object]:
    source = params.text("transaction_source")
    if source is not None and source not in SOURCES:
        faults.add("transaction_source", "915133")
    recurring = SOURCES.get(source or "", False) or params.flag("recurring")
    return {"transaction_source": source, "recurring": recurring}


def _draft(call: Call, request: _Request) -> Transaction:
    now = call.clock.stamp()
    amount = canonical(request.amount, request.account.currency)
    instrument = request.instrument
    record = Transaction(
        id=call.ids.transaction(),
        type=request.type,
        status="authorizing",
        merchant_account_id=request.account.id,
        currency=request.account.currency,
        amount=amount,
        amount_requested=amount,
        created_at=now,
        updated_at=now,
        customer=_snapshot(request.source),
        billing={**instrument.billing, **request.billing},
        shipping=request.shipping,
        kind=instrument.kind,
        card=instrument.card,
        wallet=instrument.wallet,
        token=instrument.method.token if instrument.method else None,
        created_using="token" if instrument.method else "full_information",
        three_d_secure=instrument.three_d_secure,
        **request.kept,  # type: ignore[arg-type]
    )
    if instrument.card:
        _check_codes(request, record)
    return record


def _snapshot(source: Source) -> Fields:
    """The customer as the transaction remembers it: the vaulted one, or what the request says without an id."""
    if source.customer:
        return {"id": source.customer.id, **{name: getattr(source.customer, name) for name in CUSTOMER_FIELDS}}
    return {name: text for name, text in source.new_customer.items() if name != "id"}


def _check_codes(request: _Request, record: Transaction) -> None:
    if record.type == "credit":
        record.avs_postal = record.avs_street = record.cvv = "A"
        return
    if request.options.flag("skip_avs"):
        record.avs_postal = record.avs_street = "B"
    else:
        avs = avs_response(record.billing)
        record.avs_error, record.avs_postal, record.avs_street = avs.error, avs.postal, avs.street
    record.cvv = "B" if request.options.flag("skip_cvv") else request.instrument.cvv or "I"


def _decide(call: Call, request: _Request, record: Transaction) -> Decision:
    """The gateway's own reasons to reject come first, then whatever the processor says."""
    reason = _rejection(call, request, record)
    if reason:
        return Decision("gateway_rejected", gateway_rejection_reason=reason)
    return request.instrument.decision or decide_by_amount(request.amount, record.kind)


def _rejection(call: Call, request: _Request, record: Transaction) -> str | None:
    if request.instrument.behaviour == cards.FRAUD:
        return "fraud"
    if record.type == "sale" and _is_duplicate(call, request, record):
        return "duplicate"
    if record.type == "credit" or not record.card:
        return None
    avs = None if request.options.flag("skip_avs") else avs_response(record.billing)
    return rejection(request.account, avs, None if request.options.flag("skip_cvv") else record.cvv)


def _is_duplicate(call: Call, request: _Request, record: Transaction) -> bool:
    """Whether an earlier approved sale is the same; also notes what would make a later one a duplicate of this."""
    account, card = request.account, record.card
    if card is None:
        return False
    parts = (record.amount, record.order_id or "", account.id, card["unique_number_identifier"])
    expiration = card["expiration_month"] + card["expiration_year"]
    record.duplicate_key = call.ids.keyed_hash("|".join((*parts, expiration)))[:32]
    if not account.duplicate_checking or call.params(ROOT).has("api_request_key"):
        return False
    earliest = stamp(call.clock.now() - timedelta(seconds=account.duplicate_window_seconds))
    earlier = call.store.transactions.find(
        call.merchant.id, newest_first=True, limit=1, duplicate_key=record.duplicate_key
    )
    return any(other.created_at >= earliest for other in earlier)


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
    enter(call, record, "authorized")


def _vault(call: Call, request: _Request, record: Transaction) -> None:
    """Keep the customer, the method and the addresses as the options ask."""
    customer_id = record.customer.get("id") or _store_customer(call, request.source, record)
    options = request.options
    billing_id = None
    if options.flag("add_billing_address_to_payment_method") and request.billing:
        billing_id = store_address(call, customer_id, request.billing).id
        record.billing["id"] = billing_id
    if options.flag("store_shipping_address_in_vault") and request.shipping:
        record.shipping["id"] = store_address(call, customer_id, request.shipping).id
    instrument = request.instrument
    if instrument.method:
        if billing_id:
            instrument.method.billing_address_id = billing_id
            call.store.payment_methods.put(call.merchant.id, instrument.method)
    elif instrument.reusable:
        method = store_method(
            call, instrument, customer_id, token=request.source.new_token, billing_address_id=billing_id
        )
        record.token = method.token


def _store_customer(call: Call, source: Source, record: Transaction) -> str:
    now = call.clock.stamp()
    fields = {name: text for name, text in source.new_customer.items() if name != "id"}
    customer_id = source.new_customer.get("id") or call.ids.customer()
    customer = Customer(id=customer_id, created_at=now, updated_at=now, **fields)  # type: ignore[arg-type]
    call.store.customers.put(call.merchant.id, customer)
    record.customer = {**record.customer, "id": customer_id}
    return customer_id
