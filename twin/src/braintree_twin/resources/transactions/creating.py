"""Creates sales and credits: validate, authorize, vault, store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.authorization import AuthorizationRequest, authorize, submit_if_requested
from braintree_twin.ledger.disputes import open_triggered_dispute
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.resources.transactions.bank_payments import check_bank_payment
from braintree_twin.resources.transactions.common import ROOT, answer
from braintree_twin.resources.transactions.details import read_details
from braintree_twin.resources.transactions.instrument_restrictions import check_restrictions, lacks_authentication
from braintree_twin.resources.transactions.payment_source import PaymentSource, read_source, read_transaction_address
from braintree_twin.resources.transactions.retrying_subscriptions import retry_charge
from braintree_twin.resources.transactions.shared_vault import vault_of
from braintree_twin.rules.abilities import check_instrument, check_sale
from braintree_twin.rules.avs_cvv import avs_response
from braintree_twin.rules.bank_accounts import US_BANK_ACCOUNT
from braintree_twin.rules.customers import FIELDS as CUSTOMER_FIELDS
from braintree_twin.rules.money import TRANSACTION_AMOUNT, canonical
from braintree_twin.rules.three_d_secure import passed_through
from braintree_twin.rules.transfers import read_transfer
from braintree_twin.state.records import Customer, Fields, Transaction
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.bank_verifications import read_mandate
from braintree_twin.vault.instruments import Instrument, consume
from braintree_twin.vault.storing import store_address, store_method
from braintree_twin.vault.wallet_params import ASKED_TOKEN, CONSENT_FAULT, PAYPAL, paypal_fields


@dataclass(slots=True)
class _Request:
    """A valid request for a sale or credit."""

    type: str
    account: MerchantAccount
    amount: Decimal
    source: PaymentSource
    options: Params
    # The call of the merchant whose vault pays.
    vault: Call
    billing: Fields = field(default_factory=dict)
    shipping: Fields = field(default_factory=dict)
    # Fields that the transaction stores as they were sent.
    kept: dict[str, object] = field(default_factory=dict)
    # The result of another provider's authentication.
    three_d_secure: Fields | None = None

    @property
    def instrument(self) -> Instrument:
        assert self.source.instrument is not None  # noqa: S101
        return self.source.instrument


def create(call: Call) -> Answer:
    if call.params(ROOT).has("subscription_id"):
        return retry_charge(call, call.params(ROOT))
    request = _read(call, call.params(ROOT))
    record = _draft(call, request)
    decision = authorize(call, record, _authorization_request(call.params(ROOT), request))
    if request.options.flag("store_in_vault") or (
        request.options.flag("store_in_vault_on_success") and decision.approved
    ):
        _vault(call, request, record)
    submit_if_requested(call, record, request.options)
    consume(request.vault, request.instrument)
    call.store.transactions.put(call.merchant.id, record)
    if decision.approved:
        open_triggered_dispute(call, record)
    elif decision.status == "processor_declined" and instrument_of_vault(request):
        _retry_by_number(call, record, request.account.retries)
    return answer(call, record, status=201)


def instrument_of_vault(request: _Request) -> bool:
    """Whether the vault charges the card by a token of its network, and knows its number, too."""
    return request.instrument.network_token and request.instrument.method is not None


def _retry_by_number(call: Call, record: Transaction, times: int) -> None:
    """Try a card that its network's token could not charge again by its number; the amount declines that, too."""
    for _ in range(times):
        retry = replace(
            record,
            id=call.ids.transaction(),
            network_token=False,
            history=[dict(event) for event in record.history],
            retry_ids=[],
            retried_transaction_id=record.id,
        )
        record.retry_ids = [*record.retry_ids, retry.id]
        call.store.transactions.put(call.merchant.id, retry)
    call.store.transactions.put(call.merchant.id, record)


def _authorization_request(params: Params, request: _Request) -> AuthorizationRequest:
    return AuthorizationRequest(
        account=request.account,
        amount=request.amount,
        options=request.options,
        behaviour=request.instrument.behaviour,
        preset_decision=request.instrument.decision,
        has_request_key=params.has("api_request_key"),
        lacks_authentication=request.type == "sale" and lacks_authentication(params, request.instrument),
        accepts_partial=params.flag("accept_partial_authorization"),
    )


def _read(call: Call, params: Params) -> _Request:
    errors = Errors()
    faults = errors.on(ROOT)
    kind = params.text("type")
    if kind not in ("sale", "credit"):
        faults.add("type", "91523" if kind else "91524")
    account = _account(call, params, faults)
    amount, fault = TRANSACTION_AMOUNT.check(params.text("amount"), account.currency)
    faults.add("amount", fault)
    vault, paying = vault_of(call, params)
    source = read_source(vault, paying, faults)
    billing = read_transaction_address(vault, paying, faults, "billing", source)
    shipping = read_transaction_address(vault, paying, faults, "shipping", source)
    kept = read_details(call, params, account, faults)
    kept["transfer"] = read_transfer(params, account, errors)
    passed = check_restrictions(call, kind, params, source.instrument, faults)
    check_sale(account, kind, params, amount, faults)
    if source.instrument:
        check_instrument(account, source.instrument.kind, source.instrument.card, params, faults)
        faults.on(PAYPAL).add("base", source.instrument.wallet.get(CONSENT_FAULT))
        check_bank_payment(call, account, source.instrument, params, faults)
    if errors or amount is None or source.instrument is None:
        raise ValidationFailed(errors)
    options = params.section("options")
    return _Request(
        kind or "sale", account, amount, source, options, vault, billing, shipping, kept, passed_through(passed)
    )


def _account(call: Call, params: Params, faults: Errors) -> MerchantAccount:
    given = params.text("merchant_account_id")
    account = call.merchant.by_id.get(given) if given else call.merchant.default_account
    if account is None:
        faults.add("merchant_account_id", "91513")
        return call.merchant.default_account
    faults.add("merchant_account_id", "91514" if account.suspended else None)
    return account


def _card(request: _Request) -> dict[str, Any] | None:
    """The card of the transaction. A debit card that is charged as credit goes through no debit network."""
    card = request.instrument.card
    if card and request.options.section("credit_card").flag("process_debit_as_credit"):
        return {name: value for name, value in card.items() if name != "debit_network"}
    return card


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
        card=_card(request),
        wallet=_wallet(call.params(ROOT), instrument),
        token=instrument.method.token if instrument.method else None,
        created_using="token" if instrument.method else "full_information",
        three_d_secure=request.three_d_secure or instrument.three_d_secure,
        network_token=instrument.network_token,
        **_facilitation(call, instrument),  # type: ignore[arg-type]
        fraud_checked=not request.options.flag("skip_advanced_fraud_checking"),
        **request.kept,  # type: ignore[arg-type]
    )
    if instrument.card:
        _check_codes(request, record)
    return record


def _facilitation(call: Call, instrument: Instrument) -> dict[str, Fields]:
    """Who is paid and who facilitates, if the nonce was granted."""
    nonce = instrument.nonce
    if nonce is None or nonce.facilitator is None:
        return {}
    paid = {
        "merchant_id": call.merchant.id,
        "merchant_name": call.merchant.company_name,
        "payment_method_nonce": nonce.nonce,
    }
    return {"facilitated": paid, "facilitator": nonce.facilitator}


def _wallet(params: Params, instrument: Instrument) -> Fields:
    if instrument.kind == US_BANK_ACCOUNT:
        return {**instrument.wallet, **read_mandate(params)}
    return paypal_fields(params, instrument.wallet) if instrument.kind == PAYPAL else instrument.wallet


def _snapshot(source: PaymentSource) -> Fields:
    """The customer's fields for the transaction: the vaulted customer's, or those of the request without an id."""
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


def _vault(call: Call, request: _Request, record: Transaction) -> None:
    """Vault the customer, the payment method and the addresses, as the options say."""
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
        if instrument.kind == PAYPAL:
            instrument.wallet = {**instrument.wallet, "email": record.wallet["email"]}
        token = request.source.new_token or instrument.wallet.get(ASKED_TOKEN)
        instrument.wallet = {name: text for name, text in instrument.wallet.items() if name != ASKED_TOKEN}
        method = store_method(call, instrument, customer_id, token=token, billing_address_id=billing_id)
        record.token = method.token


def _store_customer(call: Call, source: PaymentSource, record: Transaction) -> str:
    now = call.clock.stamp()
    fields = {name: text for name, text in source.new_customer.items() if name != "id"}
    customer_id = source.new_customer.get("id") or call.ids.customer()
    customer = Customer(id=customer_id, created_at=now, updated_at=now, **fields)  # type: ignore[arg-type]
    call.store.customers.put(call.merchant.id, customer)
    record.customer = {**record.customer, "id": customer_id}
    return customer_id
