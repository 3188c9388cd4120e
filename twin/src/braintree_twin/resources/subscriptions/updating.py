"""Updates a subscription. A change of its price in the middle of a billing period may be prorated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.billing_dates import BillingPeriod
from braintree_twin.ledger.subscriptions import (
    ACTIVE,
    CANCELED,
    EXPIRED,
    PAST_DUE,
    Charge,
    account_of,
    charge,
    enter,
    is_approved,
    recover,
    save,
    today,
)
from braintree_twin.params import Params
from braintree_twin.resources.subscriptions.common import (
    ROOT,
    check_instrument,
    declined,
    load,
    read_account,
    read_descriptor_of,
    read_id,
    read_method,
    read_modifications,
    read_plan,
)
from braintree_twin.rules.modifications import ARRAYS, price_of_cycle
from braintree_twin.rules.money import canonical
from braintree_twin.rules.recurring_billing import read_cycles, read_price
from braintree_twin.state.records import Subscription
from braintree_twin.validation import Errors, ValidationFailed, failed
from braintree_twin.views.subscriptions import subscription as subscription_view
from braintree_twin.webhooks.subscription_notifications import notify_subscription

IS_CANCELED, IS_EXPIRED = "81901", "81910"
PRICE_WHILE_PAST_DUE, MODIFICATIONS_WHILE_PAST_DUE = "91920", "92022"
DAY_FIXED, DATE_FIXED, FREQUENCY_FIXED, TOO_FEW_CYCLES = "91918", "91919", "91922", "91909"
_PRICE_FIELDS = ("price", "plan_id", "number_of_billing_cycles", "never_expires")


@dataclass(frozen=True, slots=True)
class _Options:
    prorates: bool | None
    reverts: bool


def update(call: Call) -> Answer:
    record = load(call)
    params = call.params(ROOT)
    if record.status in (CANCELED, EXPIRED):
        raise failed(ROOT, "base", IS_CANCELED if record.status == CANCELED else IS_EXPIRED)
    errors = Errors()
    changed = _read(call, params, record, errors.on(ROOT))
    if errors:
        raise ValidationFailed(errors)
    options = params.section("options")
    prorates = options.flag("prorate_charges") if options.has("prorate_charges") else None
    wanted = _Options(prorates, options.flag("revert_subscription_on_proration_failure", default=True))
    refused = _charge_difference(call, record, changed, wanted)
    if refused:
        return refused
    if changed.price != record.price:
        enter(call, changed, changed.status)
    if changed.id != record.id:
        _rename(call, record, changed)
    save(call, changed)
    return Answer(ROOT, subscription_view(call, changed))


def _read(call: Call, params: Params, record: Subscription, errors: Errors) -> Subscription:
    """The subscription after the request."""
    for name, code in (("billing_day_of_month", DAY_FIXED), ("first_billing_date", DATE_FIXED)):
        errors.add(name, code if name in params else None)
    if record.status == PAST_DUE:
        errors.add("base", PRICE_WHILE_PAST_DUE if any(name in params for name in _PRICE_FIELDS) else None)
        for array in ARRAYS.values():
            errors.on(array).add("base", MODIFICATIONS_WHILE_PAST_DUE if params.section(array) else None)
    fields: dict[str, Any] = {"id": read_id(call, params, errors, record.id) or record.id}
    plan = read_plan(call, params, errors) if "plan_id" in params else None
    currency = str(plan.fields["currency_iso_code"]) if plan else record.currency
    if plan:
        same = int(plan.fields.get("billing_frequency") or 1) == record.billing_frequency
        errors.add("base", None if same else FREQUENCY_FIXED)
        fields |= {"plan_id": plan.id}
        # The price of a plan in another currency is in that currency.
        fields |= {"currency": currency, "balance": canonical(Decimal(record.balance), currency)}
    fields |= _read_account_and_method(call, params, record, currency, errors)
    price = read_price(params, currency, errors)
    fields["price"] = canonical(Decimal(record.price), currency) if price is None else price
    cycles = read_cycles(params, record.number_of_billing_cycles, errors)
    errors.add("number_of_billing_cycles", TOO_FEW_CYCLES if (cycles or 9999) < record.current_billing_cycle else None)
    fields["number_of_billing_cycles"] = cycles
    if "descriptor" in params:
        fields["descriptor"] = {**record.descriptor, **read_descriptor_of(params, errors)}
    paypal = params.section("options").section("paypal")
    fields["description"] = paypal.text("description") if "description" in paypal else record.description
    replaces = params.section("options").flag("replace_all_add_ons_and_discounts")
    existing = {array: [] if replaces else getattr(record, array) for array in ARRAYS.values()}
    changed = replace(record, **fields | read_modifications(call, params, currency, errors, existing))
    for each in (*changed.add_ons, *changed.discounts):
        # A modification that is added in the middle of a period applies to that period.
        each["current_billing_cycle"] = each["current_billing_cycle"] or min(1, record.current_billing_cycle)
    return changed


def _read_account_and_method(
    call: Call, params: Params, record: Subscription, currency: str, errors: Errors
) -> dict[str, str]:
    """The merchant account and the payment method after the request; the one has to take the other."""
    account, method = account_of(call, record), None
    if params.has("merchant_account_id") or params.has("plan_id"):
        known = Params({"merchant_account_id": params.text("merchant_account_id") or record.merchant_account_id})
        account = read_account(call, known, currency, errors)
    if params.has("payment_method_token") or params.has("payment_method_nonce"):
        method = read_method(call, params, errors, _customer_of(call, record))
    elif account.id != record.merchant_account_id:
        method = call.store.payment_methods.get(call.merchant.id, record.payment_method_token)
    if method:
        check_instrument(account, method, params, errors)
    token = method.token if method else record.payment_method_token
    return {"merchant_account_id": account.id, "payment_method_token": token}


def _customer_of(call: Call, record: Subscription) -> str | None:
    method = call.store.payment_methods.get(call.merchant.id, record.payment_method_token)
    return method.customer_id if method else None


def _charge_difference(call: Call, record: Subscription, changed: Subscription, options: _Options) -> Answer | None:
    """Charge or credit what the change comes to. Returns the answer if it failed and nothing is changed."""
    if record.status == PAST_DUE:
        _retry_with_new_method(call, record, changed, options)
        return None
    difference = price_of_cycle(changed) - price_of_cycle(record)
    merchant = call.merchant
    prorates = options.prorates
    if prorates is None:
        prorates = merchant.prorate_upgrades if difference > 0 else merchant.prorate_downgrades
    same_currency = changed.currency == record.currency
    if record.status != ACTIVE or not record.billing_period_end_date or not (difference and prorates and same_currency):
        return None
    period = BillingPeriod(
        date.fromisoformat(record.billing_period_start_date or ""), date.fromisoformat(record.billing_period_end_date)
    )
    owed = Decimal(record.balance) + period.share_left(difference, today(call))
    changed.balance = canonical(owed, changed.currency)
    return _charge_proration(call, record, changed, owed, options) if owed > 0 else None


def _charge_proration(
    call: Call, record: Subscription, changed: Subscription, owed: Decimal, options: _Options
) -> Answer | None:
    transaction = charge(call, changed, Charge(owed))
    if is_approved(transaction):
        changed.balance = canonical(Decimal(0), changed.currency)
        notify_subscription(call, "charged_successfully", changed)
        return None
    if transaction is None or not options.reverts:
        return None
    record.transaction_ids = changed.transaction_ids
    save(call, record)
    return declined(call, transaction, record)


def _retry_with_new_method(call: Call, record: Subscription, changed: Subscription, options: _Options) -> None:
    """A past due subscription is tried again when its payment method changes, if charges are prorated."""
    prorates = call.merchant.prorate_upgrades if options.prorates is None else options.prorates
    if changed.payment_method_token == record.payment_method_token or not prorates:
        return
    if is_approved(charge(call, changed, Charge(Decimal(changed.balance)))):
        recover(call, changed)
        notify_subscription(call, "charged_successfully", changed)


def _rename(call: Call, record: Subscription, changed: Subscription) -> None:
    """Change the subscription's id, also in its transactions."""
    call.store.subscriptions.delete(call.merchant.id, record.id)
    for identifier in changed.transaction_ids:
        transaction = call.store.transactions.get(call.merchant.id, identifier)
        if transaction:
            transaction.subscription_id = changed.id
            call.store.transactions.put(call.merchant.id, transaction)
