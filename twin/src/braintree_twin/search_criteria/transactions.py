"""The criteria of TransactionSearch."""

from __future__ import annotations

from collections.abc import Callable

from braintree_twin.params import Params
from braintree_twin.rules.bank_accounts import ACH_TYPES, SEPA, ach_type
from braintree_twin.search.index_lookups import (
    Condition,
    Lookup,
    amount_field,
    id_column,
    in_document,
    like_column,
    list_column,
    time_column,
)
from braintree_twin.search.operators import (
    Texts,
    amount,
    boolean,
    card_number,
    one_of,
    one_of_known,
    text,
    text_of_some,
    timestamp,
)
from braintree_twin.search.paging import MAX_TRANSACTION_RESULTS
from braintree_twin.search.query import Criterion
from braintree_twin.search.two_step_search import TwoStepSearch
from braintree_twin.state.records import Transaction
from braintree_twin.views.transactions import transaction as transaction_view
from braintree_twin.xml_reader import Value

_Values = Callable[[Transaction], Texts]
# The card types, statuses and instrument types that a search may name.
CARD_TYPES = (
    "American Express",
    "Carte Blanche",
    "China UnionPay",
    "Diners Club",
    "Discover",
    "Electron",
    "Elo",
    "Hiper",
    "Hipercard",
    "JCB",
    "Laser",
    "MasterCard",
    "Solo",
    "Switch",
    "UK Maestro",
    "Maestro",
    "Unknown",
    "Visa",
)
STATUSES = (
    "authorization_expired",
    "authorized",
    "authorizing",
    "failed",
    "gateway_rejected",
    "processor_declined",
    "settled",
    "settlement_confirmed",
    "settlement_declined",
    "settlement_failed",
    "settlement_pending",
    "settling",
    "submitted_for_settlement",
    "voided",
)

INSTRUMENT_KINDS = (
    "credit_card",
    "paypal_account",
    "apple_pay_card",
    "android_pay_card",
    "venmo_account",
    "us_bank_account",
    "local_payment",
    "sepa_debit_account",
    "europe_bank_account",
    "samsung_pay_card",
    "visa_checkout_card",
    "masterpass_card",
    "amex_express_checkout_card",
    "meta_checkout_card",
    "meta_checkout_token",
)

META_CHECKOUT = "MetaCheckout"


def _field(name: str) -> _Values:
    return lambda record: (getattr(record, name, None),)


def _in(name: str) -> Lookup:
    """One of the listed values, for a field without a column."""
    return list_column(f"json_extract(document, '$.{name}')")


def _detail_name(kind: str) -> str:
    """CreditCardDetail, PayPalDetail: the names of instrument types in searches, as the SDKs' tests use them."""
    return _DETAIL_NAMES.get(kind) or "".join(word.title() for word in kind.split("_")) + "Detail"


_DETAIL_NAMES = {
    "paypal_account": "PayPalDetail",
    "apple_pay_card": "ApplePayDetail",
    "android_pay_card": "AndroidPayDetail",
    "venmo_account": "VenmoAccountDetail",
    SEPA: "SEPADebitAccount",
}
_KINDS = {_detail_name(kind): (kind,) for kind in INSTRUMENT_KINDS} | {
    META_CHECKOUT: ("meta_checkout_card", "meta_checkout_token")
}


def _instrument_names(record: Transaction) -> Texts:
    named = (META_CHECKOUT,) if record.kind in _KINDS[META_CHECKOUT] else ()
    return (record.kind, _detail_name(record.kind), *named)


def _kinds(value: Value) -> tuple[list[Condition], bool]:
    named = Params({"kind": value}).texts("kind")
    return _in("kind")([kind for name in named for kind in _KINDS.get(name, (name,))])


def _nested(section: str, name: str) -> _Values:
    return lambda record: (getattr(record, section).get(name),)


def _card(name: str) -> _Values:
    return lambda record: (record.card.get(name),) if record.card else ()


def _first_event(name: str) -> _Values:
    return lambda record: (record.history[0].get(name),) if record.history else ()


def _entered(status: str) -> _Values:
    return lambda record: [event["timestamp"] for event in record.history if event["status"] == status]


def _paypal(prefix: str) -> _Values:
    """A PayPal id, as the transaction's view writes it."""
    return lambda record: (f"{prefix}{record.id.upper()}",) if record.kind == "paypal_account" else ()


def _sepa_order(record: Transaction) -> Texts:
    """The order id, as the transaction's view writes it once it is settled; no value at all for other kinds."""
    if record.kind != SEPA:
        return ()
    settled = any(event["status"] == "settled" for event in record.history)
    return (f"ORDER{record.id.upper()}" if settled else None,)


def _ach_type(record: Transaction) -> Texts:
    found = ach_type(record.kind, record.used_ach_type or record.requested_ach_type)
    return (found,) if found else ()


def _returned(name: str) -> _Values:
    """A field of the returns by the customer's bank."""
    return lambda record: [each[name] for each in record.returned_by_bank]


# The reason code that a search names for every one of them.
ANY_REASON_CODE = "any_reason_code"


def _reasons(record: Transaction) -> Texts:
    codes = [each["reason_code"] for each in record.returned_by_bank]
    return [*codes, ANY_REASON_CODE] if codes else ()


def _never(_: Transaction) -> Texts:
    """Matches no record: the twin has no such instruments or terminals."""
    return ()


def _expiration(record: Transaction) -> Texts:
    return (f"{record.card['expiration_month']}/{record.card['expiration_year']}",) if record.card else ()


def _number(record: Transaction) -> Texts:
    return (f"{record.card['bin']}|{record.card['last_4']}",) if record.card else ()


def _location(record: Transaction) -> Texts:
    return (record.card.get("customer_location", "").lower(),) if record.card else ()


_ADDRESS_FIELDS = (
    "first_name",
    "last_name",
    "company",
    "street_address",
    "extended_address",
    "locality",
    "region",
    "postal_code",
    "country_name",
)
_CUSTOMER_FIELDS = ("id", "first_name", "last_name", "company", "email", "phone", "fax", "website")
_STATUS_TIMES = (
    "authorized",
    "authorization_expired",
    "failed",
    "gateway_rejected",
    "processor_declined",
    "settled",
    "submitted_for_settlement",
    "voided",
)

CRITERIA: dict[str, Criterion[Transaction]] = {
    "id": Criterion(text, _field("id"), id_column("record_key")),
    "ids": Criterion(one_of, _field("id"), list_column("record_key")),
    "order_id": Criterion(text, _field("order_id"), like_column("order_id")),
    "status": Criterion(one_of_known(*STATUSES), _field("status"), list_column("status")),
    "type": Criterion(one_of_known("sale", "credit"), _field("type"), _in("type")),
    "currency": Criterion(text, _field("currency"), in_document),
    "merchant_account_id": Criterion(one_of, _field("merchant_account_id"), _in("merchant_account_id")),
    "amount": Criterion(amount, _field("amount"), amount_field("amount")),
    "created_at": Criterion(timestamp, _field("created_at"), time_column("created_at")),
    "created_using": Criterion(one_of_known("full_information", "token"), _field("created_using")),
    "refund": Criterion(boolean, lambda record: ("true" if record.refunded_transaction_id else "false",)),
    "source": Criterion(one_of, _first_event("transaction_source")),
    "user": Criterion(one_of, _first_event("user")),
    "store_id": Criterion(text, _field("store_id")),
    "store_ids": Criterion(one_of, _field("store_id")),
    "payment_method_token": Criterion(text, _field("token"), in_document),
    "payment_instrument_type": Criterion(one_of, _instrument_names, _kinds),
    "processor_authorization_code": Criterion(text, _field("processor_authorization_code"), in_document),
    "settlement_batch_id": Criterion(text, _field("settlement_batch_id"), in_document),
    "credit_card_cardholder_name": Criterion(text, _card("cardholder_name"), in_document),
    "credit_card_card_type": Criterion(one_of_known(*CARD_TYPES), _card("card_type")),
    "credit_card_customer_location": Criterion(one_of_known("us", "international"), _location),
    "credit_card_unique_identifier": Criterion(text, _card("unique_number_identifier"), in_document),
    "credit_card_expiration_date": Criterion(text, _expiration),
    "credit_card_number": Criterion(card_number, _number),
    "paypal_payer_email": Criterion(text, _nested("wallet", "email")),
    "paypal_payment_id": Criterion(text, _paypal("PAY-")),
    "paypal_authorization_id": Criterion(text, _paypal("AUTH-")),
    "disbursement_date": Criterion(
        timestamp, lambda record: (record.disbursement["date"],) if record.disbursement else ()
    ),
    "dispute_date": Criterion(timestamp, lambda record: [dispute["received_date"] for dispute in record.disputes]),
    "acquirer_reference_number": Criterion(text, _field("acquirer_reference_number"), in_document),
    "europe_bank_account_iban": Criterion(text, _never),
    "sepa_debit_paypal_v2_order_id": Criterion(text_of_some, _sepa_order),
    "ach_type": Criterion(one_of_known(*ACH_TYPES), _ach_type),
    "ach_return_responses_created_at": Criterion(timestamp, _returned("created_at")),
    "reason_code": Criterion(one_of, _reasons),
    "debit_network": Criterion(one_of, _card("debit_network")),
    **{f"billing_{name}": Criterion(text, _nested("billing", name), in_document) for name in _ADDRESS_FIELDS},
    **{f"shipping_{name}": Criterion(text, _nested("shipping", name), in_document) for name in _ADDRESS_FIELDS},
    **{f"customer_{name}": Criterion(text, _nested("customer", name), in_document) for name in _CUSTOMER_FIELDS},
    "customer_id": Criterion(text, _nested("customer", "id"), id_column("customer_id")),
    **{f"{status}_at": Criterion(timestamp, _entered(status)) for status in _STATUS_TIMES},
}


# The sandbox's trigger: a search for amounts between these takes it too long.
TOO_LONG = ("-1100", "1600")


def _times_out(params: Params) -> bool:
    between = params.raw("amount")
    return isinstance(between, dict) and (between.get("min"), between.get("max")) == TOO_LONG


SEARCH: TwoStepSearch[Transaction] = TwoStepSearch(
    path="/transactions",
    root="credit_card_transactions",
    tag="transaction",
    limit=MAX_TRANSACTION_RESULTS,
    table=lambda store: store.transactions,
    criteria=lambda _: CRITERIA,
    key=lambda record: record.id,
    view=lambda _, record: transaction_view(record),
    times_out=_times_out,
)
ROUTES = SEARCH.routes
